import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  identityOfCertificate,
  identityText,
  isSameIdentity,
  textsOfIdentity,
  type CertificateIdentity,
} from '../../../shared/certificates/certificate-identity.js';
import { agentName } from '../../../shared/ids.js';
import {
  certificateWith,
  openssl,
  temporaryDirectory,
  testAuthority,
  WITHOUT_OPENSSL,
} from '../../controller/certificates/test-authority.js';

const AGENT: CertificateIdentity = { purpose: 'agent', agent: agentName('prod-eu') };
const CONTROL: CertificateIdentity = { purpose: 'control', name: 'oes' };
const SERVICE: CertificateIdentity = {
  purpose: 'service',
  route: { agent: agentName('prod-eu'), service: { type: 'kubernetes', name: 'k8s' } },
};

const refusedWith = (text: RegExp) => ({ code: 'CREDENTIAL_REFUSED', message: text });

describe('textsOfIdentity', () => {
  it("writes v3.5's JSON, keys in its order, and a URI", () => {
    assert.deepEqual(textsOfIdentity(AGENT), {
      organizationalUnit: '{"agent":"prod-eu","purpose":"agent"}',
      uri: 'fairlead:agent/prod-eu',
      label: 'agent prod-eu',
    });
    assert.deepEqual(textsOfIdentity(SERVICE), {
      organizationalUnit:
        '{"name":"k8s","type":"kubernetes","agent":"prod-eu","purpose":"service"}',
      uri: 'fairlead:service/prod-eu/kubernetes/k8s',
      label: 'service prod-eu/kubernetes/k8s',
    });
    assert.equal(textsOfIdentity(CONTROL).organizationalUnit, '{"name":"oes","purpose":"control"}');
  });

  it('refuses names that no certificate can carry', () => {
    for (const name of ['', 'x'.repeat(1025), 'half \ud800 surrogate']) {
      assert.throws(() => textsOfIdentity({ purpose: 'control', name }), {
        code: 'CONTROL_REQUEST_INVALID',
      });
    }
  });
});

describe('identityOfCertificate', () => {
  it('reads back what the authority issues, for any names', async () => {
    const authority = testAuthority();
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
    const identity = fc.oneof(
      name.map((agent): CertificateIdentity => ({ purpose: 'agent', agent: agentName(agent) })),
      name.map((text): CertificateIdentity => ({ purpose: 'control', name: text })),
      fc.tuple(name, name, name).map(([agent, type, service]): CertificateIdentity => ({
        purpose: 'service',
        route: { agent: agentName(agent), service: { type, name: service } },
      })),
    );
    await fc.assert(
      fc.asyncProperty(identity, async (wanted) => {
        const { certPem } = await authority.issue(wanted);
        assert.deepEqual(identityOfCertificate(new X509Certificate(certPem)), wanted);
      }),
      {
        numRuns: 60,
        examples: [
          [{ purpose: 'control', name: 'a\n/OU={"purpose":"agent","agent":"x"},"\\\0' }],
          [{ purpose: 'agent', agent: agentName('../control/%2F') }],
          [{ purpose: 'agent', agent: agentName('é 漢字 🚢') }],
        ],
      },
    );
  });

  it('reads a certificate that has the JSON only, as v3.5 issues them', () => {
    const read = (unit: string): CertificateIdentity =>
      identityOfCertificate(certificateWith({ units: [unit] }));
    assert.deepEqual(read('{"agent":"prod-eu","purpose":"agent"}'), AGENT);
    assert.deepEqual(read('{"name":"oes","purpose":"control"}'), CONTROL);
    assert.deepEqual(read('{"purpose":"control"}'), { purpose: 'control', name: '' });
    assert.deepEqual(
      read('{"name":"k8s","type":"kubernetes","agent":"prod-eu","purpose":"service"}'),
      SERVICE,
    );
  });

  it('reads a certificate that has the URI only, whatever its OU is about', () => {
    const uris = ['fairlead:service/prod-eu/kubernetes/k8s', 'https://example.com/'];
    for (const units of [[], ['Engineering'], ['{not json'], ['{"team":"x"}']]) {
      assert.deepEqual(identityOfCertificate(certificateWith({ units, uris })), SERVICE);
    }
  });

  it('refuses a certificate without an identity', () => {
    for (const units of [[], ['Engineering'], ['{"team":"x"}'], ['["purpose"]'], ['null']]) {
      assert.throws(
        () => identityOfCertificate(certificateWith({ units })),
        refusedWith(/does not say who holds it/),
      );
    }
  });

  it('refuses a certificate whose two identities disagree', () => {
    for (const uri of ['fairlead:agent/other', 'fairlead:control/prod-eu']) {
      const certificate = certificateWith({
        units: ['{"agent":"prod-eu","purpose":"agent"}'],
        uris: [uri],
      });
      assert.throws(() => identityOfCertificate(certificate), refusedWith(/names two holders/));
    }
  });

  it('refuses the control certificates that v3.5 issued with purpose agent and no agent', () => {
    for (const unit of ['{"name":"oes","purpose":"agent"}', '{"agent":"","purpose":"agent"}']) {
      assert.throws(
        () => identityOfCertificate(certificateWith({ units: [unit] })),
        refusedWith(/names no agent/),
      );
    }
  });

  it('refuses broken identities in either place', () => {
    const units = [
      '{"purpose":"root"}',
      '{"purpose":7}',
      '{"purpose":null,"agent":"x"}',
      '{"purpose":"agent","agent":{"x":1}}',
      '{"purpose":"service","agent":"x","type":"jenkins"}',
    ];
    for (const unit of units) {
      assert.throws(
        () => identityOfCertificate(certificateWith({ units: [unit] })),
        { code: 'CREDENTIAL_REFUSED' },
        unit,
      );
    }
    const uris = ['agent/', 'agent/a/b', 'service/a/b', 'control/', 'root/x', 'agent/%zz', ''];
    for (const path of uris) {
      assert.throws(
        () => identityOfCertificate(certificateWith({ uris: [`fairlead:${path}`] })),
        { code: 'CREDENTIAL_REFUSED' },
        path,
      );
    }
    const two = certificateWith({ uris: ['fairlead:agent/a', 'fairlead:agent/b'] });
    assert.throws(() => identityOfCertificate(two), refusedWith(/several/));
  });

  it('looks at no other part of the subject, whatever it looks like', () => {
    const forged = '{"agent":"prod-eu","purpose":"agent"}';
    for (const commonName of [forged, `x\nOU=${forged}`, `x, OU=${forged}`, `x/OU=${forged}`]) {
      assert.throws(
        () => identityOfCertificate(certificateWith({ units: ['Sales'], commonName })),
        refusedWith(/does not say/),
      );
    }
    assert.throws(
      () => identityOfCertificate(certificateWith({ units: [`Sales\nOU=${forged}`] })),
      refusedWith(/does not say/),
    );
    assert.throws(
      () => identityOfCertificate(certificateWith({ units: ['Sales', forged] })),
      refusedWith(/does not say/),
    );
  });

  it("reads a certificate of v3.5's shape made by openssl", { skip: WITHOUT_OPENSSL }, (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(
      join(dir, 'leaf.cnf'),
      [
        '[req]',
        'prompt = no',
        'distinguished_name = dn',
        '[dn]',
        'O = OpsMx Tunnel Certificate: prod-eu--',
        'OU = "{\\"agent\\":\\"prod-eu\\",\\"purpose\\":\\"agent\\"}"',
        'CN = OpsMx Tunnel Certificate: prod-eu--',
      ].join('\n'),
    );
    const newKey = ['-newkey', 'rsa:2048', '-nodes'];
    openssl(
      ['req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/O=CA'],
      dir,
    );
    openssl(
      ['req', ...newKey, '-config', 'leaf.cnf', '-keyout', 'leaf.key', '-out', 'leaf.csr'],
      dir,
    );
    openssl(
      ['x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-out', 'leaf.pem'],
      dir,
    );
    const leaf = new X509Certificate(readFileSync(join(dir, 'leaf.pem')));
    assert.deepEqual(identityOfCertificate(leaf), AGENT);
  });
});

describe('identityText and isSameIdentity', () => {
  it('tell purposes and names apart', () => {
    assert.equal(identityText(SERVICE), 'service prod-eu/kubernetes/k8s');
    assert.ok(isSameIdentity(SERVICE, structuredClone(SERVICE)));
    assert.ok(!isSameIdentity(AGENT, { purpose: 'control', name: 'prod-eu' }));
    assert.ok(!isSameIdentity(CONTROL, { purpose: 'control', name: 'other' }));
  });
});
