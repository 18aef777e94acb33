/**
 * Who is calling: client certificate, X-Opsmx-Token, Bearer, Basic; those of v3.5 too. Nobody reaches
 * another route than the one of the credential, whatever path, host name or second credential says.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import { systemClock } from '../../shared/clock.js';
import { CALLER_KINDS, connectCaller } from '../harness/callers.js';
import type { CallerKind, CallerRequest, CallerResponse } from '../harness/callers.js';
import {
  basic,
  routeOf,
  serviceTls,
  serviceToken,
  tokenWithClaims,
} from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { allOf, header } from '../harness/http-message.js';
import { Http2Client, RawClient } from '../harness/raw-http.js';
import type { ClientTls } from '../harness/raw-http.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';

const DAY_MS = 86_400_000;
const MINE = 'prod/jenkins/ci';
const OTHER = 'prod/jenkins/other';

let rig: FairleadRig;
let mine: RecordingTarget;
let other: RecordingTarget;

before(async () => {
  mine = await RecordingTarget.start();
  other = await RecordingTarget.start();
  rig = await FairleadRig.start({ controller: { serviceDomain: 'routes.example' } });
  const service = (type: string, name: string, target: RecordingTarget) => ({
    enabled: true,
    type,
    name,
    config: { url: `http://127.0.0.1:${target.port}` },
  });
  await rig.startAgent({
    services: [
      service('jenkins', 'ci', mine),
      service('git', 'ci', mine),
      service('jenkins', 'other', other),
    ],
  });
});

after(async () => {
  await rig?.stop();
  await mine?.close();
  await other?.close();
});

beforeEach(() => {
  mine.forget();
  other.forget();
});

/** One request on a connection of its own. */
async function ask(
  kind: CallerKind,
  headers: readonly string[],
  tls: ClientTls = { ca: rig.caPem },
  request: Partial<CallerRequest> = {},
): Promise<CallerResponse> {
  const caller = await connectCaller(kind, rig.ports.services, tls);
  try {
    return await caller.send({ target: '/', headers, ...request });
  } finally {
    caller.close();
  }
}

function assertRefused(response: CallerResponse, code: string, text: RegExp, status = 401): void {
  assert.equal(response.status, status, response.text);
  assert.equal(header(response.headers, 'x-fairlead-error'), code);
  assert.match(response.text, text);
  assert.doesNotMatch(response.text, /not ?found|forbidden/i);
  if (status === 401) assert.ok(allOf(response.headers, 'www-authenticate').length > 0);
  assert.equal(mine.requests.length + other.requests.length, 0);
}

const SHAPES: Record<string, (token: string) => string[]> = {
  'X-Opsmx-Token': (token) => ['X-Opsmx-Token', token],
  Bearer: (token) => ['Authorization', `Bearer ${token}`],
  'bearer in lower case': (token) => ['authorization', `bearer ${token}`],
  'Basic password': (token) => ['Authorization', basic(token)],
  'Basic without user': (token) => ['Authorization', basic(token, '')],
};

for (const kind of CALLER_KINDS) {
  describe(`a caller by ${kind}`, () => {
    for (const [shape, headers] of Object.entries(SHAPES)) {
      test(`a token as ${shape} is accepted and does not reach the target`, async () => {
        const token = serviceToken(rig, MINE);
        assert.equal((await ask(kind, headers(token))).status, 200);
        const { head } = await mine.request();
        assert.ok(!head.includes(token));
        assert.doesNotMatch(head, /^(authorization|x-opsmx-token)/im);
      });
    }

    test('a client certificate is accepted', async () => {
      assert.equal((await ask(kind, [], await serviceTls(rig, MINE))).status, 200);
      assert.equal(mine.requests.length, 1);
    });

    test('a certificate and a token of the same route are accepted together', async () => {
      const headers = ['Authorization', `Bearer ${serviceToken(rig, MINE)}`];
      assert.equal((await ask(kind, headers, await serviceTls(rig, MINE))).status, 200);
    });

    test('two credentials of different routes are refused', async () => {
      const [one, two] = [serviceToken(rig, MINE), serviceToken(rig, OTHER)];
      const tls = await serviceTls(rig, MINE);
      for (const headers of [
        ['Authorization', `Bearer ${two}`],
        ['X-Opsmx-Token', two],
      ]) {
        assertRefused(await ask(kind, headers, tls), 'CREDENTIALS_DISAGREE', /send one/);
      }
      for (const headers of [
        ['X-Opsmx-Token', one, 'Authorization', `Bearer ${two}`],
        ['X-Opsmx-Token', two, 'Authorization', basic(one)],
        ...(kind === 'h2' ? [] : [['Authorization', basic(one), 'Authorization', basic(two)]]),
        ['X-Opsmx-Token', one, 'X-Opsmx-Token', two],
      ]) {
        assertRefused(await ask(kind, headers), 'CREDENTIALS_DISAGREE', /send one/);
      }
    });

    test('no credential is 401 that says what is needed', async () => {
      assertRefused(
        await ask(kind, []),
        'CREDENTIAL_MISSING',
        /client certificate, X-Opsmx-Token, Bearer/,
      );
    });

    test('a certificate of the wrong kind is 401 that says why, not a broken handshake', async () => {
      const shapes: Record<string, [ClientTls, RegExp]> = await wrongCertificates();
      for (const [what, [tls, text]] of Object.entries(shapes)) {
        const response = await ask(kind, [], tls);
        assertRefused(response, 'CREDENTIAL_REFUSED', text);
        assert.ok(response.text.length > 0, what);
      }
    });
  });
}

async function wrongCertificates(): Promise<Record<string, [ClientTls, RegExp]>> {
  const tls = (pair: { certPem: string; keyPem: string }): ClientTls => ({
    ca: rig.caPem,
    cert: pair.certPem,
    key: pair.keyPem,
  });
  const route = routeOf(MINE);
  const made = await makeCertificateAuthority(
    { keyType: 'ecdsa', name: 'Fairlead CA' },
    systemClock,
  );
  const foreign = certificateAuthorityFromPem(made, systemClock);
  const past = { notBefore: Date.now() - 2 * DAY_MS, notAfter: Date.now() - DAY_MS };
  const { authority } = rig;
  return {
    expired: [
      tls(await authority.issue({ purpose: 'service', route }, { validity: past })),
      /expired/i,
    ],
    foreign: [tls(await foreign.issue({ purpose: 'service', route })), /not accepted/],
    agent: [tls(await authority.issue({ purpose: 'agent', agent: route.agent })), /for agent use/],
    control: [tls(await authority.issue({ purpose: 'control', name: 'oes' })), /for control use/],
    server: [tls(await authority.issueServerCertificate(['localhost'])), /not accepted/],
  };
}

describe('tokens', () => {
  const claims = { a: 'prod', t: 'jenkins', n: 'ci', iss: 'opsmx', iat: 1_600_000_000 };

  test('those of v3.5, without purpose, are accepted', async () => {
    const headers = ['Authorization', `Bearer ${tokenWithClaims(rig, claims)}`];
    assert.equal((await ask('h2', headers)).status, 200);
  });

  const now = Math.floor(Date.now() / 1000);
  const refused: Record<string, [() => string, RegExp]> = {
    'of another purpose': [
      () => tokenWithClaims(rig, { ...claims, 'opsmx.purpose': 'control' }),
      /another purpose/,
    ],
    'of a user': [
      () =>
        tokenWithClaims(rig, { iss: 'opsmx-header-mutation', u: 'anne', iat: now, exp: now + 99 }),
      /./,
    ],
    'that have expired': [() => tokenWithClaims(rig, { ...claims, exp: now - 1 }), /expired/],
    'of another issuer': [() => tokenWithClaims(rig, { ...claims, iss: 'other' }), /./],
    'without a name': [() => tokenWithClaims(rig, { ...claims, n: '' }), /lacks the claim/],
    'that were altered': [
      () => `${tokenWithClaims(rig, claims).slice(0, -4)}AAAA`,
      /signature does not fit/,
    ],
    'that claim to need no signature': [
      () => `${encoded({ alg: 'none', kid: 'public.pem' })}.${encoded(claims)}.`,
      /refused/,
    ],
    'signed with a key of their own': [
      () => selfSigned(claims, 'public.pem'),
      /signature does not fit/,
    ],
    'with a key id that is a path': [() => selfSigned(claims, '../../ca-key.pem'), /does not have/],
    'that are nonsense': [() => 'nonsense', /header\.claims\.signature/],
    'that are very long': [() => 'a.b.' + 'c'.repeat(20_000), /too long/],
  };
  for (const [what, [make, text]] of Object.entries(refused)) {
    test(`those ${what} are refused, and never repeated in the answer`, async () => {
      const token = make();
      for (const headers of [
        ['Authorization', `Bearer ${token}`],
        ['Authorization', basic(token)],
      ]) {
        const response = await ask('http/1.1', headers);
        assertRefused(response, 'CREDENTIAL_REFUSED', text);
        if (token.length > 10) assert.ok(!response.text.includes(token.slice(0, 30)));
      }
    });
  }

  test('a bad token beside a good certificate does not count', async () => {
    const tls = await serviceTls(rig, MINE);
    for (const headers of [
      ['Authorization', 'Bearer nonsense'],
      ['X-Opsmx-Token', 'nonsense'],
    ]) {
      mine.forget();
      assert.equal((await ask('h2', headers, tls)).status, 200);
      assert.doesNotMatch((await mine.request()).head, /nonsense/);
    }
  });

  test('a bad token that comes first is not made good by another one', async () => {
    const headers = [
      'X-Opsmx-Token',
      'nonsense',
      'Authorization',
      `Bearer ${serviceToken(rig, MINE)}`,
    ];
    assertRefused(await ask('http/1.1', headers), 'CREDENTIAL_REFUSED', /token is refused/);
  });

  test('other schemes of Authorization are no credential', async () => {
    for (const value of [
      'Digest username="x"',
      'Negotiate abc',
      'Bearer',
      'Basic',
      'Basic %%%',
      '',
    ]) {
      const response = await ask('http/1.1', ['Authorization', value]);
      assert.equal(response.status, 401, value);
    }
  });

  function encoded(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString('base64url');
  }

  function selfSigned(payload: object, kid: string): string {
    const signed = `${encoded({ alg: 'HS256', kid, typ: 'JWT' })}.${encoded(payload)}`;
    return `${signed}.${createHmac('sha256', 'mine').update(signed).digest('base64url')}`;
  }
});

describe('a client certificate as v3.5 made it', () => {
  test('JSON in the first OU, no SAN, RSA: accepted on the service port', async () => {
    for (const [identity, status] of [
      [{ name: 'ci', type: 'git', agent: 'prod', purpose: 'service' }, 200],
      [{ agent: 'prod', purpose: 'agent' }, 401],
    ] as const) {
      const pair = v35Certificate(JSON.stringify(identity));
      const response = await ask('no ALPN', [], { ca: rig.caPem, ...pair });
      assert.equal(response.status, status, response.text);
    }
  });

  /** By openssl, which keeps the OU to 64 characters and shares nothing with the product's issuer. */
  function v35Certificate(unit: string): { cert: string; key: string } {
    const run = (...args: string[]): string =>
      execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
    const at = (name: string): string => rig.path(name);
    const label = 'OpsMx Tunnel Certificate: prod-ci-jenkins';
    writeFileSync(
      at('v35.cnf'),
      `[req]\nprompt = no\ndistinguished_name = dn\nstring_mask = utf8only\n[dn]\nO = ${label}\nOU = ${unit.replaceAll('"', '\\"').replaceAll('$', '\\$')}\nCN = ${label}\n` +
        '[ext]\nkeyUsage = digitalSignature\nextendedKeyUsage = clientAuth, serverAuth\n',
    );
    run(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at('v35.key'),
      '-out',
      at('v35.csr'),
      '-config',
      at('v35.cnf'),
    );
    const ca = ['-CA', rig.path('ca', 'ca-cert.pem'), '-CAkey', rig.path('ca', 'ca-key.pem')];
    const cert = run(
      'x509',
      '-req',
      '-in',
      at('v35.csr'),
      ...ca,
      '-set_serial',
      `${Date.now()}`,
      '-days',
      '2',
      '-extfile',
      at('v35.cnf'),
      '-extensions',
      'ext',
    );
    return { cert, key: run('pkey', '-in', at('v35.key')) };
  }
});

describe('the route of a credential', () => {
  test('a path prefix of another route is refused', async () => {
    const headers = ['Authorization', `Bearer ${serviceToken(rig, MINE)}`];
    for (const kind of CALLER_KINDS) {
      for (const path of [
        '/agents/prod/jenkins/other/x',
        '/agents/prod/jenkins/other',
        '/agents/test/jenkins/ci/x',
        '/agents/prod/kubernetes/ci/x',
        '/agents/PROD/jenkins/ci/x',
        '/agents/prod/jenkins/ci%2f..%2fother/x',
        '/agents/prod/jenkins/%6fther/x',
        '/agents/prod/jenkins/ci%00/x',
        '/agents/../jenkins/ci/x',
      ]) {
        const response = await ask(kind, headers, undefined, { target: path });
        assertRefused(response, 'ROUTE_MISMATCH', /credential stands for prod\/jenkins\/ci/, 403);
      }
    }
  });

  test('no trick with the path reaches another target', async () => {
    const headers = ['Authorization', `Bearer ${serviceToken(rig, MINE)}`];
    for (const kind of CALLER_KINDS) {
      for (const path of [
        '/../agents/prod/jenkins/other/x',
        '/%2e%2e/agents/prod/jenkins/other/',
        '/agents/prod/jenkins/ci/../other/x',
        '/agents/prod/jenkins/ci/%2e%2e/other/x',
        '/agents/prod/jenkins/ci/..%2fother/x',
        '/agents%2Fprod%2Fjenkins%2Fother/x',
        '//agents/prod/jenkins/other/x',
        '/agents//prod/jenkins/other/x',
        '/agents/prod/jenkins',
        '/agents/prod',
        '/agents/prod/jenkins/ci/agents/prod/jenkins/other/',
        '/?/agents/prod/jenkins/other/',
      ]) {
        const { status } = await ask(kind, headers, undefined, { target: path });
        assert.ok(status === 200 || status === 403, `${path}: ${status}`);
      }
    }
    assert.equal(other.requests.length, 0);
  });

  test('requests without a prefix work, as those of v3.5 do', async () => {
    const headers = ['Authorization', `Bearer ${serviceToken(rig, MINE)}`];
    assert.equal((await ask('http/1.1', headers, undefined, { target: '/agents' })).status, 200);
    assert.equal((await mine.request()).target, '/agents');
  });

  test('a service with paths that look like a prefix is reached behind its own', async () => {
    const headers = ['Authorization', `Bearer ${serviceToken(rig, MINE)}`];
    const path = '/agents/x/y/z/logs?agents=1';
    for (const kind of CALLER_KINDS) {
      const refused = await ask(kind, headers, undefined, { target: path });
      assertRefused(
        refused,
        'ROUTE_MISMATCH',
        /send it behind \/agents\/prod\/jenkins\/ci \(/,
        403,
      );
      mine.answer = () => answerOf(302, ['Location', '/agents/x/y/z/there']);
      const target = `/agents/prod/jenkins/ci${path}`;
      const passed = await ask(kind, headers, undefined, { target });
      assert.equal((await mine.request()).target, path);
      assert.match(
        header(passed.headers, 'location') ?? '',
        /^https:\/\/localhost:\d+\/agents\/prod\/jenkins\/ci\/agents\/x\/y\/z\/there$/,
      );
      mine.forget();
    }
  });

  test('the Host header does not choose the route', async () => {
    const token = serviceToken(rig, MINE);
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    for (const host of [
      'other',
      'prod.example',
      `127.0.0.1:${other.port}`,
      'a b',
      '',
      'x'.repeat(2000),
    ]) {
      const { status } = await client.exchange(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      assert.ok(status === 200 || status === 400, `${host}: ${status}`);
      if (client.ending !== undefined) break;
    }
    client.destroy();
    assert.equal(other.requests.length, 0);
  });

  test('neither do SNI and :authority', async () => {
    const authorization = `Bearer ${serviceToken(rig, MINE)}`;
    for (const serverName of ['other', 'jenkins-other.prod.routes.example', 'localhost']) {
      const client = await Http2Client.connect({
        port: rig.ports.services,
        tls: { ca: rig.caPem, serverName },
      });
      for (const authority of ['localhost', 'other', `127.0.0.1:${other.port}`]) {
        const { status } = await client.request({
          ':authority': authority,
          ':path': '/',
          authorization,
        });
        assert.equal(status, 200);
      }
      client.close();
    }
    assert.equal(other.requests.length, 0);
  });

  test('a host name of another route below the service domain is refused', async () => {
    const authorization = `Bearer ${serviceToken(rig, MINE)}`;
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    for (const authority of [
      'x.routes.example',
      'X.ROUTES.example:9002',
      'a.b.routes.example',
      'x.routes.example.',
    ]) {
      const response = await client.request({
        ':authority': authority,
        ':path': '/',
        authorization,
      });
      assert.equal(response.status, 403, authority);
      assert.equal(header(response.headers, 'x-fairlead-error'), 'ROUTE_MISMATCH');
    }
    client.close();
  });

  test('each request of a connection is judged by its own credential', async () => {
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const send = (token: string) =>
      client.exchange(`GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    assert.equal((await send(serviceToken(rig, MINE))).status, 200);
    assert.equal((await send('nonsense')).status, 401);
    assert.equal((await send(serviceToken(rig, OTHER))).status, 200);
    assert.deepEqual([mine.requests.length, other.requests.length], [1, 1]);
    client.destroy();
  });
});
