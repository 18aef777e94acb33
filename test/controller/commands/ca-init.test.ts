import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { loadCertificateAuthority } from '../../../controller/certificates/authority.js';
import { initCa, type CaInitOptions } from '../../../controller/commands/ca-init.js';
import { TokenIssuer } from '../../../controller/tokens/issue-token.js';
import { KeyDirectory } from '../../../controller/tokens/key-set.js';
import { identityOfCertificate } from '../../../shared/certificates/certificate-identity.js';
import { readPemPair } from '../../../shared/certificates/pem-pair.js';
import { systemClock } from '../../../shared/clock.js';
import { agentName } from '../../../shared/ids.js';
import { temporaryDirectory, testCa } from '../certificates/test-authority.js';

interface Secret {
  apiVersion: string;
  kind: string;
  type: string;
  metadata: { name: string; namespace?: string };
  data: Record<string, string>;
}

function secretsIn(dir: string): Secret[] {
  const text = readFileSync(join(dir, 'controller-secrets.yaml'), 'utf8');
  const documents = parseAllDocuments(text);
  assert.ok(Array.isArray(documents));
  return documents.map((document) => document.toJS() as Secret); // its shape is what the tests check
}

const decoded = (secret: Secret | undefined, key: string): string =>
  Buffer.from(secret?.data[key] ?? '', 'base64').toString();
const read = (dir: string, path: string): string => readFileSync(join(dir, path), 'utf8');

describe('initCa', () => {
  it("writes v3.5's files and Secrets and the tokens' key, for the owner alone", async (t) => {
    const dir = join(temporaryDirectory(t), 'new');
    const { files, warnings } = await initCa({ dir });
    const paths = [
      'controller-secrets.yaml',
      'control-cert.pem',
      'control-key.pem',
      'ca-cert.pem',
      'ca-key.pem',
      'service-auth/public.pem',
    ];
    assert.deepEqual(
      files,
      paths.map((path) => join(dir, path)),
    );
    assert.deepEqual(warnings, []);
    for (const file of files) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    assert.equal(statSync(dir).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(dir).length, 6); // and no temporary files

    const [ca, control, tokens, ...others] = secretsIn(dir);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [ca, control, tokens].map((one) => [one?.kind, one?.type, one?.metadata]),
      [
        ['Secret', 'kubernetes.io/tls', { name: 'ca-secret' }],
        ['Secret', 'kubernetes.io/tls', { name: 'oes-control-secret' }],
        ['Secret', 'Opaque', { name: 'jwt-secret' }],
      ],
    );
    assert.equal(decoded(ca, 'tls.crt'), read(dir, 'ca-cert.pem'));
    assert.equal(decoded(ca, 'tls.key'), read(dir, 'ca-key.pem'));
    assert.equal(decoded(control, 'tls.crt'), read(dir, 'control-cert.pem'));
    assert.equal(decoded(control, 'tls.key'), read(dir, 'control-key.pem'));
    assert.equal(decoded(tokens, 'public.pem'), read(dir, 'service-auth/public.pem'));
    assert.ok(read(dir, 'service-auth/public.pem').length >= 43); // 256 bits at least
    // v3.5 wrote each value on one line, and scripts cut the file by lines.
    assert.match(read(dir, 'controller-secrets.yaml'), /^ {2}tls.crt: [A-Za-z0-9+/=]{500,}$/m);
  });

  for (const keyType of ['ecdsa', 'rsa'] as const) {
    it(`makes ${keyType} material that a controller and its operator can use`, async (t) => {
      const dir = temporaryDirectory(t);
      await initCa({ dir, keyType, alsoAgentNamed: 'prod eu', caName: 'My CA' });
      const authority = loadCertificateAuthority(
        { certFile: join(dir, 'ca-cert.pem'), keyFile: join(dir, 'ca-key.pem') },
        systemClock,
      );
      assert.match(authority.certificate.subject, /CN=My CA/);
      const pairOf = (name: string) =>
        readPemPair(
          { certFile: join(dir, `${name}-cert.pem`), keyFile: join(dir, `${name}-key.pem`) },
          Date.now(),
        );
      const [control, agent] = [pairOf('control'), pairOf('agent')];
      assert.deepEqual(identityOfCertificate(control.certificate), {
        purpose: 'control',
        name: 'oes',
      });
      assert.deepEqual(identityOfCertificate(agent.certificate), {
        purpose: 'agent',
        agent: 'prod eu',
      });
      for (const { certificate, key } of [control, agent]) {
        assert.ok(certificate.verify(authority.certificate.publicKey));
        assert.equal(key.asymmetricKeyType, keyType === 'rsa' ? 'rsa' : 'ec');
      }
      const issuer = new TokenIssuer({
        keys: new KeyDirectory(join(dir, 'service-auth')),
        currentKeyName: 'public.pem',
        clock: systemClock,
      });
      const service = { type: 'jenkins', name: 'ci' };
      assert.match(issuer.issueServiceToken({ agent: agentName('a'), service }), /^ey/);
    });
  }

  it('names things as it is told', async (t) => {
    const dir = temporaryDirectory(t);
    await initCa({
      dir,
      namespace: 'opsmx',
      caSecretName: 'my-ca',
      controlSecretName: 'my-control',
      tokenSecretName: 'my-tokens',
      tokenKeyName: 'key-2026',
    });
    assert.deepEqual(
      secretsIn(dir).map(({ metadata }) => metadata),
      ['my-ca', 'my-control', 'my-tokens'].map((name) => ({ namespace: 'opsmx', name })),
    );
    assert.deepEqual(readdirSync(join(dir, 'service-auth')), ['key-2026']);
    assert.deepEqual(Object.keys(secretsIn(dir)[2]?.data ?? {}), ['key-2026']);
  });

  it('makes everything else from a supplied CA and leaves its files alone', async (t) => {
    const dir = temporaryDirectory(t);
    const ca = testCa({ notAfter: Date.now() + 30 * 86_400_000 });
    writeFileSync(join(dir, 'ca-cert.pem'), `# ours\n${ca.certPem}`);
    writeFileSync(join(dir, 'tls.key'), ca.keyPem);
    const { files, warnings } = await initCa({
      dir,
      caCertFile: join(dir, 'ca-cert.pem'),
      caKeyFile: join(dir, 'tls.key'),
    });
    assert.match(warnings[0] ?? '', /expires on/);
    assert.deepEqual(
      files.map((file) => file.slice(dir.length + 1)),
      ['controller-secrets.yaml', 'control-cert.pem', 'control-key.pem', 'service-auth/public.pem'],
    );
    assert.equal(read(dir, 'ca-cert.pem'), `# ours\n${ca.certPem}`);
    assert.equal(existsSync(join(dir, 'ca-key.pem')), false);
    assert.equal(decoded(secretsIn(dir)[0], 'tls.crt'), ca.certPem);
    assert.equal(decoded(secretsIn(dir)[0], 'tls.key'), ca.keyPem);
    const control = new X509Certificate(read(dir, 'control-cert.pem'));
    assert.ok(control.verify(ca.certificate.publicKey));
  });

  it('copies a supplied CA certificate from elsewhere, for clients to trust', async (t) => {
    const [dir, elsewhere] = [temporaryDirectory(t), temporaryDirectory(t)];
    const ca = testCa();
    const caFiles = {
      caCertFile: join(elsewhere, 'tls.crt'),
      caKeyFile: join(elsewhere, 'tls.key'),
    };
    writeFileSync(caFiles.caCertFile, ca.certPem);
    writeFileSync(caFiles.caKeyFile, ca.keyPem);
    const { files } = await initCa({ dir, ...caFiles });
    assert.equal(files.length, 5);
    assert.equal(read(dir, 'ca-cert.pem'), ca.certPem);
  });

  it('lists what exists and writes nothing', async (t) => {
    const dir = temporaryDirectory(t);
    mkdirSync(join(dir, 'service-auth'));
    writeFileSync(join(dir, 'ca-key.pem'), 'precious');
    writeFileSync(join(dir, 'service-auth', 'public.pem'), 'precious');
    await assert.rejects(initCa({ dir }), {
      code: 'CONFIG_INVALID',
      message: /already holds ca-key.pem, service-auth\/public.pem; nothing was written/,
    });
    assert.deepEqual(readdirSync(dir).sort(), ['ca-key.pem', 'service-auth']);
    assert.equal(read(dir, 'ca-key.pem'), 'precious');
  });

  it('replaces what exists with force, and corrects the mode', async (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(join(dir, 'ca-key.pem'), 'old', { mode: 0o644 });
    await initCa({ dir, force: true });
    assert.match(read(dir, 'ca-key.pem'), /PRIVATE KEY/);
    assert.equal(statSync(join(dir, 'ca-key.pem')).mode & 0o777, 0o600);
  });

  it('leaves no part behind when it cannot write', async (t) => {
    const dir = temporaryDirectory(t);
    writeFileSync(join(dir, 'service-auth'), 'a file where a directory should be');
    await assert.rejects(initCa({ dir }), {
      code: 'CONFIG_INVALID',
      message: /cannot write to .* is not a directory/,
    });
    assert.deepEqual(readdirSync(dir), ['service-auth']);
    await assert.rejects(initCa({ dir: join(dir, 'service-auth', 'x') }), {
      code: 'CONFIG_INVALID',
    });
  });

  it('leaves no part behind when it fails between the files', async (t) => {
    const dir = temporaryDirectory(t);
    // With force a directory in a file's place shows only when the file is to replace it.
    mkdirSync(join(dir, 'ca-key.pem', 'x'), { recursive: true });
    await assert.rejects(initCa({ dir, force: true }), { code: 'CONFIG_INVALID' });
    assert.ok(readdirSync(dir).every((name) => !name.includes('.new-')));
  });

  it('refuses options that are wrong before it makes anything', async (t) => {
    const dir = join(temporaryDirectory(t), 'new');
    const wrong: [Partial<CaInitOptions>, RegExp][] = [
      [{ namespace: 'Not OK' }, /namespace "Not OK" is not a Kubernetes name/],
      [{ caSecretName: '' }, /caSecretName "" is not/],
      [{ tokenKeyName: '.hidden' }, /tokenKeyName ".hidden" cannot be the key of a Secret/],
      [{ tokenKeyName: '../up' }, /tokenKeyName/],
      [{ caCertFile: 'x' }, /needs both its certificate file and its key file/],
    ];
    for (const [options, message] of wrong) {
      await assert.rejects(initCa({ dir, ...options }), { code: 'CONFIG_INVALID', message });
    }
    await assert.rejects(initCa({ dir, alsoAgentNamed: 'x'.repeat(2000) }), /at most 1024/);
    await assert.rejects(initCa({ dir, caCertFile: '/none', caKeyFile: '/none' }), {
      code: 'CERTIFICATE_INVALID',
    });
    assert.equal(existsSync(dir), false);
  });
});
