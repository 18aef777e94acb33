/**
 * How the agent reaches targets: the credential it adds, TLS with the CA it was given, client
 * certificates, and what the caller is told when the handshake fails.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { CertificateAuthority } from '../../controller/certificates/authority.js';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { systemClock } from '../../shared/clock.js';
import { connectCaller } from '../harness/callers.js';
import type { CallerResponse } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { allOf, header } from '../harness/http-message.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';
import { testCa } from '../controller/certificates/test-authority.js';
import { waitFor } from '../harness/wait-for.js';

const DAY_MS = 86_400_000;
const SECRETS = ['pass-wört', 'inline-token', 'file-token-1', 'file-token-2', 'argo-token'];

let rig: FairleadRig;
let agent: ChildProgram;
let plain: RecordingTarget;
let secure: RecordingTarget;
let mutual: RecordingTarget;
let expired: RecordingTarget;
let chained: RecordingTarget;
let otherName: RecordingTarget;
let silentTls: net.Server;
let plainHttp: http.Server;
const sockets = new Set<net.Socket>();

before(async () => {
  const ca = await authority('Target CA');
  const other = await authority('Other CA');
  const clientCa = await authority('Clients of target');
  const good = await tlsOf(ca.authority, ['localhost', '127.0.0.1']);
  // an issuing CA below a root that nobody names
  const issuing = testCa({ name: 'Issuing', parent: testCa({ name: 'Root' }) });
  const issuer = certificateAuthorityFromPem(issuing, systemClock);
  const issued = await tlsOf(issuer, ['127.0.0.1']);
  chained = await RecordingTarget.start({ tls: issued });
  plain = await RecordingTarget.start();
  secure = await RecordingTarget.start({ tls: good });
  mutual = await RecordingTarget.start({
    tls: { ...good, requestCert: true, rejectUnauthorized: true, ca: clientCa.certPem },
  });
  const past = { notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS };
  expired = await RecordingTarget.start({ tls: await tlsOf(ca.authority, ['127.0.0.1'], past) });
  otherName = await RecordingTarget.start({ tls: await tlsOf(ca.authority, ['jenkins.corp']) });
  silentTls = net.createServer((socket) => void sockets.add(socket));
  plainHttp = http.createServer();
  for (const server of [silentTls, plainHttp]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }

  rig = await FairleadRig.start();
  const file = (name: string, text: string): string => {
    writeFileSync(rig.path(name), text);
    return rig.path(name);
  };
  const client = await clientCa.authority.issue({ purpose: 'control', name: 'agent' });
  const foreign = await other.authority.issue({ purpose: 'control', name: 'agent' });
  const clientFiles = (name: string, pair: { certPem: string; keyPem: string }) => ({
    clientCertFile: file(`${name}.crt`, pair.certPem),
    clientKeyFile: file(`${name}.key`, pair.keyPem),
  });
  const caFile = file('target-ca.pem', ca.certPem);
  const otherFile = file('other-ca.pem', other.certPem);
  const https = (target: RecordingTarget): string => `https://127.0.0.1:${target.port}`;
  const plainUrl = `http://127.0.0.1:${plain.port}`;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const services: Record<string, object> = {
    none: { url: plainUrl },
    basic: {
      url: plainUrl,
      credentials: { type: 'basic', username: base64('anne'), password: base64('pass-wört\n') },
    },
    bearer: { url: plainUrl, credentials: { type: 'bearer', token: base64('inline-token') } },
    token: { url: plainUrl, credentials: { type: 'token', token: base64('argo-token') } },
    file: {
      url: plainUrl,
      credentials: { type: 'bearer', tokenFile: file('token', 'file-token-1\n') },
    },
    nofile: { url: plainUrl, credentials: { type: 'bearer', tokenFile: rig.path('absent') } },
    tls: { url: https(secure), caFile },
    inlineca: { url: https(secure), caCert64: base64(ca.certPem) },
    system: { url: https(secure) },
    issuingca: { url: https(chained), caFile: file('issuing.pem', issuing.certPem) },
    owncert: { url: https(chained), caFile: file('own.pem', firstCertificate(issued.cert)) },
    otherowncert: { url: https(chained), caFile: file('good.pem', firstCertificate(good.cert)) },
    wrongca: { url: https(secure), caFile: otherFile },
    insecure: { url: https(secure), insecure: true },
    expired: { url: https(expired), caFile },
    othername: { url: https(otherName), caFile },
    named: { url: https(otherName), caFile, serverName: 'jenkins.corp' },
    mutual: { url: https(mutual), caFile, ...clientFiles('client', client) },
    nocert: { url: https(mutual), caFile },
    foreigncert: { url: https(mutual), caFile, ...clientFiles('foreign', foreign) },
    plainserver: { url: `https://127.0.0.1:${portOf(plainHttp)}`, caFile },
    tlsserver: { url: `http://127.0.0.1:${secure.port}` },
    silent: { url: `https://127.0.0.1:${portOf(silentTls)}`, caFile },
    noresolve: { url: 'https://no-such-host.invalid', caFile },
  };
  agent = await rig.startAgent({
    services: Object.entries(services).map(([name, config]) => ({
      enabled: true,
      type: 'generic',
      name,
      config,
    })),
    config: { limits: { targetConnectTimeoutMs: 700 } },
  });
});

after(async () => {
  await rig?.stop();
  for (const target of [plain, secure, mutual, expired, otherName, chained]) await target?.close();
  for (const socket of sockets) socket.destroy();
  silentTls?.close();
  plainHttp?.close();
});

beforeEach(() => {
  for (const target of [plain, secure, mutual, otherName, chained]) target.forget();
});

function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port; // it listens
}

async function authority(name: string) {
  const made = await makeCertificateAuthority({ keyType: 'ecdsa', name }, systemClock);
  return { ...made, authority: certificateAuthorityFromPem(made, systemClock) };
}

function firstCertificate(pem: string): string {
  return pem.slice(0, pem.indexOf('-----END CERTIFICATE-----') + 25);
}

async function tlsOf(
  issuer: CertificateAuthority,
  serverNames: string[],
  validity?: { notBefore: number; notAfter: number },
) {
  const options = validity === undefined ? {} : { validity };
  const { certPem: cert, keyPem: key } = await issuer.issueServerCertificate(serverNames, options);
  return { cert, key };
}

async function ask(service: string, method = 'GET', body?: string): Promise<CallerResponse> {
  const token = serviceToken(rig, `prod/generic/${service}`);
  const caller = await connectCaller('h2', rig.ports.services, { ca: rig.caPem }, basic(token));
  try {
    return await caller.send({ method, target: '/x', ...(body === undefined ? {} : { body }) });
  } finally {
    caller.close();
  }
}

describe('what a target is trusted by', () => {
  for (const service of ['issuingca', 'owncert']) {
    test(`may be an intermediate CA or its own certificate, as with Go's clients: ${service}`, async () => {
      const response = await ask(service);
      assert.equal(response.status, 200, response.text);
    });
  }

  test('is not the certificate of another server', async () => {
    const response = await ask('otherowncert');
    assert.equal(response.status, 502);
    assert.match(response.text, /TARGET_TLS_FAILED/u);
  });
});

describe('the credential that the agent adds', () => {
  for (const [service, expected] of [
    ['none', []],
    ['basic', [`Basic ${Buffer.from('anne:pass-wört').toString('base64')}`]],
    ['bearer', ['Bearer inline-token']],
    ['token', ['Token argo-token']],
    ['file', ['Bearer file-token-1']],
  ] as const) {
    test(`${service}: ${expected.length === 0 ? 'none' : 'in place of the caller’s'}`, async () => {
      await ask(service);
      assert.deepEqual(allOf((await plain.request()).headers, 'authorization'), expected);
    });
  }

  test('a token file that changes is read again, soon after a 401', async () => {
    writeFileSync(rig.path('token'), 'file-token-2\n');
    plain.answer = ({ headers }) =>
      header(headers, 'authorization') === 'Bearer file-token-2' ? answerOf(200) : answerOf(401);
    // what a file says is looked at every 10 s, but after a refusal within a second
    await waitFor('the new token', async () => (await ask('file')).status === 200, 4000);
  });

  test('a credential that cannot be read makes the service unusable, with the reason', async () => {
    const response = await ask('nofile');
    assert.equal(response.status, 502);
    assert.match(
      response.text,
      /generic\/nofile is not usable: token file .*absent.* does not exist/,
    );
  });
});

describe('TLS to the target', () => {
  for (const service of ['tls', 'inlineca', 'insecure', 'named', 'mutual']) {
    test(`${service}: works, with and without a body`, async () => {
      assert.equal((await ask(service)).status, 200);
      assert.equal((await ask(service, 'POST', 'body')).status, 200);
    });
  }

  test('the client certificate of the configuration is presented', async () => {
    await ask('mutual');
    assert.match((await mutual.request()).clientName ?? '', /control agent/);
  });

  for (const [service, code, text] of [
    ['wrongca', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['system', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['expired', 'TARGET_TLS_FAILED', /certificate has expired/],
    ['othername', 'TARGET_TLS_FAILED', /certificate is for another name/],
    ['nocert', 'TARGET_TLS_FAILED', /alert certificate required/],
    // Node's servers close without saying why
    ['foreigncert', 'TARGET_BROKE_OFF', /closed the connection/],
    ['plainserver', 'TARGET_TLS_FAILED', /TLS/],
    ['tlsserver', 'TARGET_BROKE_OFF', /./],
    ['silent', 'TARGET_UNREACHABLE', /took too long/],
    ['noresolve', 'TARGET_UNREACHABLE', /host name does not resolve/],
  ] as const) {
    test(`${service}: 502 with the reason, and nothing of the request arrives`, async () => {
      for (const body of [undefined, 'body']) {
        const response = await ask(service, body === undefined ? 'GET' : 'POST', body);
        assert.equal(response.status, 502, response.text);
        assert.equal(header(response.headers, 'x-fairlead-error'), code, response.text);
        assert.match(response.text, text);
        assert.match(response.text, new RegExp(`generic/${service}`));
        for (const target of [plain, secure, mutual, otherName]) {
          assert.equal(target.requests.length, 0);
        }
      }
    });
  }

  test('a service that is not verified is announced loudly, and only that one', () => {
    const loud = agent.lines.filter((line) => line.includes('config.insecure is set'));
    assert.equal(loud.length, 1);
    assert.match(loud[0] ?? '', /generic\/insecure/);
    assert.match(loud[0] ?? '', /"level":"warn"/);
  });
});

test('no credential of a target is in any log or answer', () => {
  const output = [...agent.lines, ...rig.controller.lines].join('\n');
  for (const secret of SECRETS) assert.ok(!output.includes(secret), secret);
  assert.ok(!output.includes(Buffer.from('anne:pass-wört').toString('base64')));
});
