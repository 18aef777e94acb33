import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { call, startEchoServer } from './echo-server.js';
import type { EchoServer } from './echo-server.js';
import { startSecretServer } from './secret-server.js';
import { startRig } from './target-rig.js';
import type { TargetRig } from './target-rig.js';
import { temporaryFolder } from './temporary-folder.js';
import { createCa } from './throwaway-certificates.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const basic = (user: string, password: string) => `Basic ${base64(`${user}:${password}`)}`;

describe('a generic service', () => {
  const folder = temporaryFolder();
  const serverCa = createCa('server CA');
  const clientCa = createCa('client CA');
  const otherCa = createCa('other CA');
  const client = clientCa.issue('agent of the target');
  const caFile = folder.write('ca.pem', serverCa.cert);
  const certFile = folder.write('client.crt', client.cert);
  const keyFile = folder.write('client.key', client.key);
  const rigs: TargetRig[] = [];
  let server: EchoServer;
  before(async () => {
    const pair = serverCa.issue('target', ['named.example']);
    server = await startEchoServer(pair, clientCa);
  });
  after(async () => {
    for (const rig of rigs) rig.catalog.stop();
    await server.close();
  });

  /** A rig of one service jenkins/ci with this `config`. */
  const start = async (config: object, kubernetes = {}) => {
    const rig = await startRig([{ type: 'jenkins', name: 'ci', config }], kubernetes);
    rigs.push(rig);
    return rig;
  };
  const target = async (config: object) => (await start(config)).target('jenkins/ci');
  const fault = async (config: object) => (await start(config)).fault('jenkins/ci');
  const url = () => `https://127.0.0.1:${server.port}/base/`;

  it('is reached under its base path, host and CA', async () => {
    const seen = await call(await target({ url: url(), caFile }));
    assert.deepEqual(seen, {
      path: '/base/x',
      host: `127.0.0.1:${server.port}`,
      authorization: '',
      clientName: '',
      serverName: '',
    });
  });

  it('is not trusted without a CA that signed it, unless insecure is set, which is said loudly', async () => {
    await assert.rejects(call(await target({ url: url() })), /self.signed|verify|issuer/i);
    const rig = await start({ url: url(), insecure: true });
    await call(rig.target('jenkins/ci'));
    await rig.look();
    assert.deepEqual(
      rig.lines.map(({ level, service }) => [level, service]),
      [['warn', 'jenkins/ci']],
    );
    assert.match(rig.lines[0]?.msg ?? '', /insecure is set/);
  });

  it('is trusted by any CA of a bundle, from a file or inline', async () => {
    const bundle = `# comment\n${otherCa.cert}\n${serverCa.cert}`;
    await call(await target({ url: url(), caFile: folder.write('bundle.pem', bundle) }));
    await call(await target({ url: url(), caCert64: base64(bundle) }));
  });

  it('is verified by serverName if one is given', async () => {
    const config = { url: url(), caFile, serverName: 'named.example' };
    assert.equal((await call(await target(config))).serverName, 'named.example');
    const wrong = await target({ ...config, serverName: 'other.example' });
    await assert.rejects(call(wrong), /altname|other\.example/i);
  });

  it('gets each kind of credential, from base64 and from files', async () => {
    const inline = { username: base64('me'), password: base64('pass\n'), token: base64('tok\n') };
    const files = {
      usernameFile: folder.write('username', 'me\n'),
      passwordFile: folder.write('password', 'pass\n'),
      tokenFile: folder.write('token', 'tok\n'),
    };
    const expected = { basic: basic('me', 'pass'), bearer: 'Bearer tok', token: 'Token tok' };
    for (const [type, header] of Object.entries(expected)) {
      for (const texts of [inline, files]) {
        const one = await target({ url: url(), caFile, credentials: { type, ...texts } });
        assert.equal((await call(one)).authorization, header);
      }
    }
  });

  it('gets a client certificate besides any credential, from files and inline', async () => {
    const credentials = { type: 'bearer', token: base64('tok') };
    const ways = [
      { clientCertFile: certFile, clientKeyFile: keyFile },
      { clientCert64: base64(client.cert), clientKey64: base64(client.key) },
    ];
    for (const way of ways) {
      const seen = await call(await target({ url: url(), caFile, credentials, ...way }));
      assert.equal(seen.clientName, 'agent of the target');
      assert.equal(seen.authorization, 'Bearer tok');
    }
  });

  it('gets credential and client certificate from Kubernetes Secrets', async () => {
    const api = await startSecretServer(folder);
    try {
      api.secrets.set('login', { username: 'me\n', password: 'pass\n' });
      api.secrets.set('tls', { 'tls.crt': client.cert, 'tls.key': client.key });
      const config = {
        url: url(),
        caFile,
        credentials: { type: 'basic', secretName: 'login', username: 'ignored' },
        clientCertSecretName: 'tls',
      };
      const rig = await start(config, { inCluster: api.access });
      const seen = await call(rig.target('jenkins/ci'));
      assert.equal(seen.authorization, basic('me', 'pass'));
      assert.equal(seen.clientName, 'agent of the target');
      const missing = await start(
        { ...config, clientCertSecretName: 'login' },
        { inCluster: api.access },
      );
      assert.equal(missing.fault('jenkins/ci'), 'Secret "login" has no entry tls.crt');
    } finally {
      await api.close();
    }
  });

  it('follows a rotated token, CA and client certificate, each to a new endpoint only if needed', async () => {
    const tokenFile = folder.write('rotating', 'one');
    const rotatingCa = folder.write('rotating-ca.pem', otherCa.cert);
    const credentials = { type: 'bearer', tokenFile };
    const rig = await start({ url: url(), caFile: rotatingCa, credentials });
    const one = rig.target('jenkins/ci');
    const endpoint = one.endpoint();
    await assert.rejects(call(one));
    folder.write('rotating', 'two');
    await rig.look();
    assert.equal(one.endpoint(), endpoint);
    folder.write('rotating-ca.pem', serverCa.cert);
    await rig.look();
    assert.notEqual(one.endpoint(), endpoint);
    assert.equal((await call(one)).authorization, 'Bearer two');
    assert.equal(rig.target('jenkins/ci'), one);
  });

  it('reads a token anew after a refusal', async () => {
    const tokenFile = folder.write('refused', 'one');
    const rig = await start({ url: url(), caFile, credentials: { type: 'token', tokenFile } });
    const one = rig.target('jenkins/ci');
    assert.equal(one.authorization(), 'Token one');
    folder.write('refused', 'two');
    rig.clock.advance(2_000);
    one.credentialRefused();
    assert.equal(await one.authorization(), 'Token two');
  });

  it('warns of credentials without a type', async () => {
    const rig = await start({ url: url(), caFile, credentials: { token: base64('x') } });
    assert.equal(rig.target('jenkins/ci').authorization(), undefined);
    assert.match(rig.lines[0]?.msg ?? '', /has no type/);
  });

  const faults: [string, object, RegExp][] = [
    ['no url', { url: undefined }, /^config\.url is missing$/],
    ['a url with a password', { url: 'https://me:hunter2@h' }, /holds a user name or password/],
    ['an unknown type', { credentials: { type: 'beerer' } }, /did you mean bearer\?$/],
    [
      'half a basic pair',
      { credentials: { type: 'basic', username: 'bWU=' } },
      /password is missing/,
    ],
    ['a bearer without token', { credentials: { type: 'bearer' } }, /token is missing/],
    ['no base64', { credentials: { type: 'token', token: 'hunter2!' } }, /token is not base64$/],
    [
      'a token twice',
      { credentials: { type: 'token', token: 'eA==', tokenFile: '/t' } },
      /token and tokenFile exclude/,
    ],
    [
      'a Secret without type',
      { credentials: { secretName: 's' } },
      /secretName needs a type: basic, bearer or token/,
    ],
    [
      'a Secret outside of a cluster',
      { credentials: { type: 'basic', secretName: 's' } },
      /does not run in a Kubernetes pod/,
    ],
    [
      'a token file that is missing',
      { credentials: { type: 'token', tokenFile: '/nonexistent/t' } },
      /^token file "\/nonexistent\/t" does not exist$/,
    ],
    ['a CA file that is missing', { caFile: '/nonexistent/ca' }, /^CA file .* does not exist$/],
    ['a CA that is none', { caCert64: base64('hunter2') }, /caCert64 holds no certificate/],
    ['two CAs', { caFile: '/a', caCert64: 'eA==' }, /caFile and config\.caCert64 exclude/],
    [
      'a certificate without key',
      { clientCertFile: '/a' },
      /clientCertFile needs config\.clientKeyFile/,
    ],
    [
      'a key without certificate',
      { clientKey64: 'eA==' },
      /clientKey64 needs config\.clientCert64/,
    ],
    [
      'certificates from two places',
      { clientCertFile: '/a', clientKeyFile: '/b', clientCertSecretName: 's' },
      /exclude each other; keep one/,
    ],
    [
      'a key of another certificate',
      { clientCertFile: certFile, clientKeyFile: folder.write('other.key', otherCa.key) },
      /is not the key of/,
    ],
    [
      'an expired client certificate',
      (() => {
        const old = clientCa.issue('old', [], -1_000);
        return { clientCert64: base64(old.cert), clientKey64: base64(old.key) };
      })(),
      /expired/,
    ],
  ];
  for (const [what, config, message] of faults) {
    it(`is not usable with ${what}, and says so`, async () => {
      const text = await fault({ url: 'https://h', ...config });
      assert.match(text, message);
      assert.ok(!text.includes('hunter2'));
    });
  }
});
