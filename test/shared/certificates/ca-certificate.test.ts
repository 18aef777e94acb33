import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCaCertificate } from '../../../shared/certificates/ca-certificate.js';
import {
  certificateWith,
  DAY_MS,
  temporaryDirectory,
  testCa,
} from '../../controller/certificates/test-authority.js';

const invalid = (text: RegExp) => ({ code: 'CERTIFICATE_INVALID', message: text });
const now = Date.now();
const expired = testCa({ notBefore: now - 2 * DAY_MS, notAfter: now - DAY_MS });

describe('readCaCertificate', () => {
  it('reads one or several from a file or a text', (t) => {
    const file = join(temporaryDirectory(t), 'ca.pem');
    const [one, two] = [testCa(), testCa()];
    writeFileSync(file, `${one.certPem}\nsome words\n${two.certPem}`);
    const read = readCaCertificate({ file }, now);
    assert.equal(read.caPem, one.certPem + two.certPem);
    assert.equal(read.certificates.length, 2);
    assert.equal(
      readCaCertificate({ text: one.certPem, name: 'caCert64' }, now).caPem,
      one.certPem,
    );
  });

  it('refuses what is no certificate, and names the source', () => {
    assert.throws(
      () => readCaCertificate({ file: '/nowhere/ca.pem' }, now),
      invalid(/CA certificate file "\/nowhere\/ca.pem" does not exist/),
    );
    assert.throws(
      () => readCaCertificate({ text: 'x', name: 'caCert64' }, now),
      invalid(/^caCert64 holds no certificate/),
    );
  });

  it('refuses a certificate that is none of a CA', () => {
    const leaf = certificateWith({}).toString();
    assert.throws(
      () => readCaCertificate({ text: leaf, name: 'caCert64' }, now),
      invalid(/caCert64 is not the certificate of a CA: its basic constraints/),
    );
    const noSigner = testCa({
      extensions: [
        { name: 'basicConstraints', critical: true, cA: true },
        { name: 'keyUsage', critical: true, digitalSignature: true },
      ],
    });
    assert.throws(
      () => readCaCertificate({ text: noSigner.certPem, name: 'caCert64' }, now),
      invalid(/its key usage lacks keyCertSign/),
    );
  });

  it('accepts a CA without a key usage, which RFC 5280 leaves open', () => {
    const ca = testCa({ extensions: [{ name: 'basicConstraints', critical: true, cA: true }] });
    assert.equal(readCaCertificate({ text: ca.certPem, name: 'x' }, now).caPem, ca.certPem);
  });

  it('refuses a CA outside its dates, unless another one beside it is valid', () => {
    const read = (text: string) => () => readCaCertificate({ text, name: 'caCert64' }, now);
    assert.throws(read(expired.certPem), invalid(/^caCert64 expired on /));
    assert.throws(
      read(testCa({ notBefore: now + DAY_MS }).certPem),
      invalid(/^caCert64 is not valid before /),
    );
    assert.equal(read(expired.certPem + testCa().certPem)().certificates.length, 2);
  });
});
