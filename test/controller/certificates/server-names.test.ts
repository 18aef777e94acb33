import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { subjectAltNames } from '../../../controller/certificates/server-names.js';
import { testAuthority } from './test-authority.js';

describe('subjectAltNames', () => {
  it('tells addresses from names and takes brackets off', () => {
    assert.deepEqual(
      subjectAltNames(['localhost', '127.0.0.1', '[2001:db8::1]', '::1', '*.svc.example.com']),
      [
        { type: 2, value: 'localhost' },
        { type: 7, ip: '127.0.0.1' },
        { type: 7, ip: '2001:db8::1' },
        { type: 7, ip: '::1' },
        { type: 2, value: '*.svc.example.com' },
      ],
    );
  });

  it('writes names as certificates have them, each once', () => {
    assert.deepEqual(
      subjectAltNames([
        'Forwarder.Example.COM.',
        'forwarder.example.com',
        'bücher.example',
        'a_b.c',
      ]),
      [
        { type: 2, value: 'forwarder.example.com' },
        { type: 2, value: 'xn--bcher-kva.example' },
        { type: 2, value: 'a_b.c' },
      ],
    );
  });

  it('refuses what is no host name', () => {
    const wrong = [
      '',
      ' ',
      'https://a.example',
      'a.example:9001',
      'a..b',
      'a..',
      '-a.example',
      '*',
      'a.*.b',
    ];
    wrong.push(
      '*a.example',
      '*.',
      'fe80::1%eth0',
      '[::1]:9001',
      '1',
      '0x7f.1',
      '127.0.0.256',
      'a b',
    );
    wrong.push(`${'a.'.repeat(130)}a`);
    for (const name of wrong) {
      assert.throws(
        () => subjectAltNames([name]),
        { code: 'CONFIG_INVALID' },
        JSON.stringify(name),
      );
    }
    assert.throws(() => subjectAltNames([]), { code: 'CONFIG_INVALID' });
  });

  it('makes certificates that match names and addresses by their kind', async () => {
    const { certPem } = await testAuthority().issueServerCertificate([
      'forwarder.example.com',
      '10.1.2.3',
      '[2001:db8::1]',
      '*.svc.example.com',
    ]);
    const certificate = new X509Certificate(certPem);
    assert.ok(certificate.checkHost('forwarder.example.com'));
    assert.ok(certificate.checkHost('prod-eu.svc.example.com'));
    assert.ok(certificate.checkIP('10.1.2.3'));
    assert.ok(certificate.checkIP('2001:db8::1'));
    assert.equal(certificate.checkHost('10.1.2.3'), undefined);
    assert.equal(certificate.checkHost('example.com'), undefined);
    assert.equal(certificate.checkHost('Fairlead controller'), undefined);
  });
});
