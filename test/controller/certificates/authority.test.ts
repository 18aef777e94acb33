import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import {
  certificateAuthorityFromPem,
  loadCertificateAuthority,
  type CertificateAuthority,
} from '../../../controller/certificates/authority.js';
import { certificateFields } from '../../../shared/certificates/certificate-fields.js';
import { identityOfCertificate } from '../../../shared/certificates/certificate-identity.js';
import { validityOf } from '../../../shared/certificates/validity.js';
import { systemClock } from '../../../shared/clock.js';
import { agentName } from '../../../shared/ids.js';
import {
  caKey,
  certificateWith,
  DAY_MS,
  openssl,
  temporaryDirectory,
  testAuthority,
  testCa,
  WITHOUT_OPENSSL,
} from './test-authority.js';

const AGENT = { purpose: 'agent', agent: agentName('prod-eu') } as const;
const SERVICE = {
  purpose: 'service',
  route: { agent: agentName('prod-eu'), service: { type: 'kubernetes', name: 'k8s é 漢' } },
} as const;

const invalid = (text: RegExp) => ({ code: 'CERTIFICATE_INVALID', message: text });
const authorityOf = (pair: { certPem: string; keyPem: string }): CertificateAuthority =>
  certificateAuthorityFromPem(pair, systemClock);

/** Every kind of CA key that must work, in every PEM form. */
const CA_FORMS = [
  ['rsa-2048', 'pkcs1'],
  ['rsa-2048', 'pkcs8'],
  ['P-256', 'sec1'],
  ['P-256', 'pkcs8'],
  ['P-384', 'sec1'],
  ['P-384', 'pkcs8'],
  ['P-521', 'pkcs8'],
  ['ed25519', 'pkcs8'],
] as const;

function authorityWithKey(key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1'): CertificateAuthority {
  const keyPem = key.export({ type, format: 'pem' }).toString();
  return authorityOf({ certPem: testCa({ key }).certPem, keyPem });
}

/** One mutual TLS handshake on loopback; the client certificate as the server saw it. */
async function handshake(
  server: { cert: string; key: string; ca: string },
  client: { cert: string; key: string; ca: string },
): Promise<X509Certificate> {
  const listener = createServer({ ...server, requestCert: true, rejectUnauthorized: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo; // listening on TCP
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({ ...client, host: '127.0.0.1', port });
  try {
    await once(socket, 'secureConnect');
    const [peer] = await accepted;
    assert.ok(peer.authorized);
    const certificate = peer.getPeerX509Certificate();
    assert.ok(certificate);
    return certificate;
  } finally {
    socket.destroy();
    listener.close();
  }
}

describe('CertificateAuthority with every kind of CA key', () => {
  for (const [kind, form] of CA_FORMS) {
    it(`issues pairs that Node's TLS accepts from ${kind} in ${form}`, async () => {
      const authority = authorityWithKey(caKey(kind), form);
      const server = await authority.issueServerCertificate(['localhost', '127.0.0.1']);
      const client = await authority.issue(SERVICE);
      const seen = await handshake(
        { cert: server.certPem, key: server.keyPem, ca: authority.caPem },
        { cert: client.certPem, key: client.keyPem, ca: authority.caPem },
      );
      assert.deepEqual(identityOfCertificate(seen), SERVICE);
      assert.equal(seen.fingerprint256, client.fingerprint256);
    });

    it(
      `issues what openssl verifies from ${kind} in ${form}`,
      { skip: WITHOUT_OPENSSL },
      async (t) => {
        const dir = temporaryDirectory(t);
        const authority = authorityWithKey(caKey(kind), form);
        const leaf = await authority.issue({ ...AGENT, agent: agentName('x'.repeat(300)) });
        const server = await authority.issueServerCertificate(['*.example.com', '[::1]']);
        writeFileSync(join(dir, 'ca.pem'), authority.caPem);
        writeFileSync(join(dir, 'leaf.pem'), leaf.certPem);
        writeFileSync(join(dir, 'server.pem'), server.certPem);
        const verify = ['verify', '-x509_strict', '-CAfile', 'ca.pem', '-purpose'];
        assert.match(openssl([...verify, 'sslclient', 'leaf.pem'], dir), /leaf.pem: OK/);
        assert.match(openssl([...verify, 'sslserver', 'server.pem'], dir), /server.pem: OK/);
        assert.throws(() => openssl([...verify, 'sslserver', 'leaf.pem'], dir));
        assert.throws(() => openssl([...verify, 'sslclient', 'server.pem'], dir));
      },
    );
  }

  it('issues RSA keys where asked to, with the usage that fits them', async (t) => {
    const authority = certificateAuthorityFromPem(testCa(), systemClock, { leafKeyType: 'rsa' });
    const rsa = await authority.issue(AGENT);
    assert.match(rsa.keyPem, /^-----BEGIN RSA PRIVATE KEY-----/);
    const ecdsa = await testAuthority().issue(AGENT);
    assert.match(ecdsa.keyPem, /^-----BEGIN EC PRIVATE KEY-----/);
    if (WITHOUT_OPENSSL !== false) return;
    const dir = temporaryDirectory(t);
    const usage = (certPem: string): string => {
      writeFileSync(join(dir, 'leaf.pem'), certPem);
      return openssl(['x509', '-in', 'leaf.pem', '-noout', '-ext', 'keyUsage'], dir);
    };
    assert.match(usage(rsa.certPem), /critical\s+Digital Signature, Key Encipherment\n/);
    assert.match(usage(ecdsa.certPem), /critical\s+Digital Signature\n/);
  });
});

describe('issued certificates', () => {
  it('are back-dated by a minute and valid for a year', async () => {
    const before = Date.now();
    const { notBefore, notAfter, certPem } = await testAuthority().issue(AGENT);
    assert.ok(Math.abs(notBefore - (before - 60_000)) < 5_000);
    assert.ok(Math.abs(notAfter - (before + 365 * DAY_MS)) < 5_000);
    assert.deepEqual(validityOf(new X509Certificate(certPem)), { notBefore, notAfter });
  });

  it('never outlive their CA', async () => {
    const caEnd = Math.floor(Date.now() / 1000) * 1000 + 20 * DAY_MS;
    const authority = testAuthority({ notAfter: caEnd });
    assert.equal((await authority.issue(AGENT)).notAfter, caEnd);
    assert.equal((await authority.issueServerCertificate(['localhost'])).notAfter, caEnd);
  });

  it('have the dates that a test asks for', async () => {
    const validity = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2020, 0, 2) };
    const { certPem } = await testAuthority().issue(AGENT, { validity });
    assert.deepEqual(validityOf(new X509Certificate(certPem)), validity);
  });

  it('have random positive serial numbers of 16 bytes', async () => {
    const authority = testAuthority();
    const serials = new Set<string>();
    for (let count = 0; count < 20; count++) {
      const { serialNumber } = new X509Certificate((await authority.issue(AGENT)).certPem);
      assert.match(serialNumber, /^[4-7][0-9A-F]{31}$/);
      serials.add(serialNumber);
    }
    assert.equal(serials.size, 20);
  });

  it('name their signature algorithm as RFC 3279 and RFC 5758 say, with and without NULL', async () => {
    const algorithms = {
      'rsa-2048': '300d06092a864886f70d01010b0500',
      'P-256': '300a06082a8648ce3d040302',
      'P-384': '300a06082a8648ce3d040303',
      'P-521': '300a06082a8648ce3d040304',
      ed25519: '300506032b6570',
    } as const;
    for (const kind of ['rsa-2048', 'P-256', 'P-384', 'P-521', 'ed25519'] as const) {
      const { certPem } = await testAuthority({ key: caKey(kind) }).issue(AGENT);
      const hex = new X509Certificate(certPem).raw.toString('hex');
      // Once inside what is signed, once beside it.
      assert.ok(hex.split(algorithms[kind]).length >= 3, kind);
    }
  });

  it('have the key, the key identifiers and the purposes they should have', async () => {
    const authority = testAuthority();
    const issued = await authority.issue(AGENT);
    const leaf = new X509Certificate(issued.certPem);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(issued.keyPem)));
    assert.equal(leaf.ca, false);
    assert.ok(leaf.checkIssued(authority.certificate)); // compares the authority key identifier too
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.2']); // Node calls the extended usages so
    const server = new X509Certificate(
      (await authority.issueServerCertificate(['a.example'])).certPem,
    );
    assert.deepEqual(server.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  });

  it('bear the name of the CA byte for byte', { skip: WITHOUT_OPENSSL }, async (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(
      join(dir, 'ca.cnf'),
      [
        // String types other than ours, two attributes in one RDN, and an attribute forge has no name for.
        '[req]\nprompt = no\nstring_mask = MASK:0x800\ndistinguished_name = dn\nx509_extensions = ext',
        '[dn]\nC = DE\n1.DC = example\nO = Gro\\xdf\n+OU = PKI\nUID = 42\nCN = Root',
        '[ext]\nbasicConstraints = critical,CA:TRUE',
      ].join('\n'),
    );
    const args = [
      'req',
      '-x509',
      '-config',
      'ca.cnf',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '30',
    ];
    openssl([...args, '-keyout', 'ca.key', '-out', 'ca.pem'], dir);
    const authority = loadCertificateAuthority(
      { certFile: join(dir, 'ca.pem'), keyFile: join(dir, 'ca.key') },
      systemClock,
    );
    const { certPem } = await authority.issue(AGENT);
    const { issuerDer } = certificateFields(new X509Certificate(certPem));
    const { subjectDer } = certificateFields(authority.certificate);
    assert.equal(issuerDer.toString('hex'), subjectDer.toString('hex'));
    assert.match(subjectDer.toString('hex'), /06035504031e/); // its CN is a BMPString
    writeFileSync(join(dir, 'leaf.pem'), certPem);
    assert.match(openssl(['verify', '-CAfile', 'ca.pem', 'leaf.pem'], dir), /OK/);
  });

  it('carry names in UTF-8 that openssl prints', { skip: WITHOUT_OPENSSL }, async (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(join(dir, 'leaf.pem'), (await testAuthority().issue(SERVICE)).certPem);
    const shown = openssl(
      ['x509', '-in', 'leaf.pem', '-noout', '-subject', '-nameopt', 'utf8,sep_multiline'],
      dir,
    );
    assert.match(
      shown,
      /OU={"name":"k8s é 漢","type":"kubernetes","agent":"prod-eu","purpose":"service"}/,
    );
    assert.match(shown, /CN=service prod-eu\/kubernetes\/k8s é 漢/);
  });

  it('cut the common name at 64 characters, between characters', async () => {
    const { certPem } = await testAuthority().issue({ purpose: 'control', name: '🚢'.repeat(80) });
    const cn = /^CN=(.*)$/m.exec(new X509Certificate(certPem).subject)?.[1] ?? '';
    assert.equal(cn, `control ${'🚢'.repeat(56)}`);
  });
});

describe('loading an authority', () => {
  it('refuses a certificate that is none of a CA', () => {
    const key = caKey('P-256');
    const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const plain = testCa({ key, extensions: [] });
    assert.throws(() => authorityOf({ certPem: plain.certPem, keyPem }), invalid(/CA:TRUE/));
    const noSigner = testCa({
      key,
      extensions: [
        { name: 'basicConstraints', critical: true, cA: true },
        { name: 'keyUsage', critical: true, digitalSignature: true },
      ],
    });
    assert.throws(() => authorityOf({ certPem: noSigner.certPem, keyPem }), invalid(/keyCertSign/));
    const ca = testCa({ key });
    const leaf = certificateWith({}).toString();
    assert.throws(() => authorityOf({ certPem: ca.certPem + leaf, keyPem }), invalid(/CA:TRUE/));
  });

  it('refuses a pair that is out of date or mismatched', () => {
    const now = Date.now();
    assert.throws(
      () => authorityOf(testCa({ notBefore: now - 2 * DAY_MS, notAfter: now - DAY_MS })),
      invalid(/the CA certificate expired on/),
    );
    assert.throws(
      () => authorityOf(testCa({ notBefore: now + DAY_MS })),
      invalid(/not valid before/),
    );
    assert.throws(
      () => authorityOf({ certPem: testCa().certPem, keyPem: testCa().keyPem }),
      invalid(/the CA key is not the key of the CA certificate/),
    );
  });

  it('refuses kinds of keys with which nothing can be issued', () => {
    assert.throws(
      () => testCa({ key: caKey('secp256k1') }),
      invalid(/curve secp256k1 cannot be used; expected P-256/),
    );
  });

  it('warns of a CA that ends soon, trusts what is above it, or has a weak key', () => {
    assert.deepEqual(testAuthority().warnings, []);
    const [soon] = testAuthority({ notAfter: Date.now() + 30 * DAY_MS }).warnings;
    assert.match(soon ?? '', /"CN=Test CA" expires on .*ends then at the latest/);

    const root = testCa({ name: 'Root' });
    const intermediate = testCa({ name: 'Issuing', parent: root });
    assert.deepEqual(authorityOf(intermediate).warnings, []);
    const both = { ...intermediate, certPem: intermediate.certPem + root.certPem };
    const [trustsRoot] = authorityOf(both).warnings;
    assert.match(trustsRoot ?? '', /"CN=Root" has issued .*"CN=Issuing" .*take it out unless/);
    // one that is being replaced stands beside it, not above, though it may have the same name
    const next = testCa({ name: 'Root' });
    const beside = { ...next, certPem: next.certPem + root.certPem };
    assert.deepEqual(authorityOf(beside).warnings, []);
  });

  it('issues from the first certificate of a chain and trusts all', async () => {
    const root = testCa({ name: 'Root' });
    const intermediate = testCa({ name: 'Issuing', parent: root });
    const authority = authorityOf({
      certPem: intermediate.certPem + root.certPem,
      keyPem: intermediate.keyPem,
    });
    assert.equal(authority.caPem, intermediate.certPem + root.certPem);
    const server = await authority.issueServerCertificate(['127.0.0.1']);
    const client = await authority.issue(AGENT);
    // Peers that trust the root alone are sent the intermediate certificate.
    const seen = await handshake(
      { cert: server.certPem, key: server.keyPem, ca: root.certPem },
      { cert: client.certPem, key: client.keyPem, ca: root.certPem },
    );
    assert.deepEqual(identityOfCertificate(seen), AGENT);
  });

  it("loads a CA as v3.5's make-ca writes it", { skip: WITHOUT_OPENSSL }, async (t) => {
    const dir = temporaryDirectory(t);
    openssl(['genrsa', '-traditional', '-out', 'ca-key.pem', '2048'], dir);
    const subject = ['-subj', '/C=US/O=OpsMx API Forwarder CA'];
    openssl(
      ['req', '-x509', '-key', 'ca-key.pem', '-out', 'ca-cert.pem', ...subject, '-days', '3650']
        .concat(['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:2'])
        .concat(['-addext', 'keyUsage=critical,keyCertSign,cRLSign']),
      dir,
    );
    assert.match(readFileSync(join(dir, 'ca-key.pem'), 'utf8'), /BEGIN RSA PRIVATE KEY/);
    const authority = loadCertificateAuthority(
      { certFile: join(dir, 'ca-cert.pem'), keyFile: join(dir, 'ca-key.pem') },
      systemClock,
    );
    const { certPem } = await authority.issue(AGENT);
    assert.ok(new X509Certificate(certPem).verify(createPublicKey(authority.caPem)));
    assert.deepEqual(authority.warnings, []);
  });
});
