import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pemPairFromText, readPemPair } from '../../../shared/certificates/pem-pair.js';
import {
  caKey,
  DAY_MS,
  openssl,
  temporaryDirectory,
  testCa,
  WITHOUT_OPENSSL,
} from '../../controller/certificates/test-authority.js';

const invalid = (text: RegExp) => ({ code: 'CERTIFICATE_INVALID', message: text });

describe('readPemPair', () => {
  const ca = testCa();

  it('accepts every kind of key in every PEM form', () => {
    const forms = [
      ['rsa-2048', 'pkcs1'],
      ['rsa-2048', 'pkcs8'],
      ['P-256', 'sec1'],
      ['P-256', 'pkcs8'],
      ['P-384', 'sec1'],
      ['P-384', 'pkcs8'],
      ['ed25519', 'pkcs8'],
    ] as const;
    for (const [kind, type] of forms) {
      const key = caKey(kind);
      const { certPem } = testCa({ key });
      const keyPem = key.export({ type, format: 'pem' }).toString();
      const pair = pemPairFromText({ certPem, keyPem }, Date.now());
      assert.ok(pair.key.equals(key), `${kind} ${type}`);
      assert.equal(pair.keyPem, keyPem);
      assert.equal(pair.certPem, certPem);
    }
  });

  it('finds the blocks among other text, other blocks and CRLF', (t) => {
    const dir = temporaryDirectory(t);
    const other = testCa();
    const files = { certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') };
    writeFileSync(
      files.certFile,
      `\ufeffBag Attributes\n${ca.certPem}${other.certPem}`.replaceAll('\n', '\r\n'),
    );
    writeFileSync(
      files.keyFile,
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${ca.keyPem}`,
    );
    const pair = readPemPair(files, Date.now());
    assert.equal(pair.certificate.fingerprint256, ca.certificate.fingerprint256);
    assert.equal(pair.chain.length, 2);
    assert.equal(pair.certPem, ca.certPem + other.certPem);
  });

  it('names the file that is missing, unreadable or no PEM', (t) => {
    const dir = temporaryDirectory(t);
    const path = (name: string): string => join(dir, name);
    writeFileSync(path('ca.pem'), ca.certPem);
    writeFileSync(path('ca.key'), ca.keyPem);
    writeFileSync(path('text'), 'hello');
    writeFileSync(path('broken'), ca.certPem.replace('MII', 'AAA'));
    writeFileSync(path('broken.key'), ca.keyPem.replace('MIG', 'AAA'));
    mkdirSync(path('folder'));
    const read = (certFile: string, keyFile: string) => () =>
      readPemPair({ certFile: path(certFile), keyFile: path(keyFile) }, Date.now());

    assert.throws(read('none', 'ca.key'), invalid(/certificate file ".*none" does not exist/));
    assert.throws(read('ca.pem', 'none'), invalid(/key file ".*none" does not exist/));
    assert.throws(read('folder', 'ca.key'), invalid(/folder" is a directory/));
    assert.throws(read('text', 'ca.key'), invalid(/text" holds no certificate; expected PEM/));
    assert.throws(read('ca.pem', 'text'), invalid(/text" holds no private key; expected PEM/));
    assert.throws(read('broken', 'ca.key'), invalid(/broken" holds a certificate that cannot/));
    assert.throws(read('ca.pem', 'broken.key'), invalid(/broken.key" holds a private key that/));
    assert.throws(read('ca.key', 'ca.pem'), invalid(/are certificate and key exchanged\?/));
  });

  it('names a file that may not be read', { skip: process.getuid?.() === 0 }, (t) => {
    const dir = temporaryDirectory(t);
    const certFile = join(dir, 'ca.pem');
    writeFileSync(certFile, ca.certPem);
    chmodSync(certFile, 0);
    assert.throws(
      () => readPemPair({ certFile, keyFile: certFile }, Date.now()),
      invalid(/may not be read/),
    );
  });

  it('refuses a key that belongs to another certificate, of the same kind or not', () => {
    for (const key of [caKey('P-256'), caKey('rsa-2048')]) {
      const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
      assert.throws(
        () => pemPairFromText({ certPem: ca.certPem, keyPem }, Date.now(), 'agent'),
        invalid(/^the agent key is not the key of the agent certificate/),
      );
    }
  });

  it('refuses a certificate outside its dates and gives the dates', () => {
    const { notBefore, notAfter } = {
      notBefore: Date.UTC(2020, 0, 1),
      notAfter: Date.UTC(2021, 0, 1),
    };
    const old = testCa({ notBefore, notAfter });
    const read = (nowMs: number) => () => pemPairFromText(old, nowMs);
    assert.throws(read(notAfter + DAY_MS), invalid(/expired on 2021-01-01T00:00:00Z .*2021-01-02/));
    assert.throws(
      read(notBefore - DAY_MS),
      invalid(/not valid before 2020-01-01T00:00:00Z .*2019-12-31/),
    );
    assert.equal(read(notBefore)().certPem, old.certPem);
    assert.equal(read(notAfter)().certPem, old.certPem);
  });

  it('refuses keys protected by a passphrase, old and new form, and says so', () => {
    const secret = { cipher: 'aes-256-cbc', passphrase: 'x' };
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      const keyPem = privateKey.export({ type, format: 'pem', ...secret }).toString();
      assert.throws(
        () => pemPairFromText({ certPem: ca.certPem, keyPem }, Date.now()),
        invalid(/protected by a passphrase/),
      );
    }
  });

  it('reads what openssl writes', { skip: WITHOUT_OPENSSL }, (t) => {
    const dir = temporaryDirectory(t);
    // ecparam writes an "EC PARAMETERS" block before the SEC1 key.
    openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-out', 'ca.key'], dir);
    openssl(['req', '-x509', '-key', 'ca.key', '-out', 'ca.pem', '-subj', '/O=CA'], dir);
    const pair = readPemPair(
      { certFile: join(dir, 'ca.pem'), keyFile: join(dir, 'ca.key') },
      Date.now(),
    );
    assert.match(pair.keyPem, /^-----BEGIN EC PRIVATE KEY-----/);
  });
});
