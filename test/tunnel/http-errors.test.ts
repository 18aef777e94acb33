/**
 * What callers are told when the tunnel, not the target, answers: status, form and headers for each row
 * of the error table, one log line per request, and no secret in anything that the processes write.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { ChildProgram, LogLine } from '../../deploy/demo/child-program.js';
import { CALLER_KINDS, connectCaller } from '../harness/callers.js';
import type { CallerKind, CallerRequest, CallerResponse } from '../harness/callers.js';
import { basic, serviceToken, tokenKey, tokenWithClaims } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { allOf, header } from '../harness/http-message.js';
import { Http2Client } from '../harness/raw-http.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';
import { waitFor } from '../harness/wait-for.js';

const MAX_STREAMS = 4;
const HEAD_TIMEOUT_MS = 600;
const TARGET_SECRET = 'target-secret-0815';

let rig: FairleadRig;
let agent: ChildProgram;
let target: RecordingTarget;

before(async () => {
  target = await RecordingTarget.start();
  rig = await FairleadRig.start({
    controller: {
      limits: { maxStreamsPerSession: MAX_STREAMS, maxStreams: MAX_STREAMS, agentWaitMs: 200 },
    },
  });
  const generic = (name: string, port: number) => ({
    enabled: true,
    type: 'generic',
    name,
    config: {
      url: `http://127.0.0.1:${port}`,
      credentials: { type: 'bearer', token: Buffer.from(TARGET_SECRET).toString('base64') },
    },
  });
  const cluster = (name: string, port: number) => ({
    enabled: true,
    type: 'kubernetes',
    name,
    config: { kubeConfig: kubeconfig(name, port) },
  });
  agent = await rig.startAgent({
    services: [
      generic('web', target.port),
      generic('down', 1),
      cluster('k8s', target.port),
      cluster('down', 1),
    ],
    config: { limits: { responseHeadTimeoutMs: HEAD_TIMEOUT_MS } },
  });
});

after(async () => {
  await rig?.stop();
  await target?.close();
});

beforeEach(() => target.forget());

function kubeconfig(name: string, port: number): string {
  const file = rig.path(`kubeconfig-${name}`);
  const text = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user: { token: TARGET_SECRET } }],
  });
  writeFileSync(file, text);
  return file;
}

async function ask(
  route: string | undefined,
  request: Partial<CallerRequest> = {},
  kind: CallerKind = 'http/1.1',
): Promise<CallerResponse> {
  const authorization = route === undefined ? undefined : basic(serviceToken(rig, route));
  const caller = await connectCaller(kind, rig.ports.services, { ca: rig.caPem }, authorization);
  try {
    return await caller.send({ target: '/', ...request });
  } finally {
    caller.close();
  }
}

interface Expected {
  readonly status: number;
  readonly code: string;
  readonly text: RegExp;
}

function assertHeaders(response: CallerResponse, { status, code }: Expected): string {
  assert.equal(response.status, status, response.text);
  assert.equal(header(response.headers, 'x-fairlead-error'), code);
  const requestId = header(response.headers, 'x-request-id');
  assert.match(requestId ?? '', /^[0-9a-f]{12}-[0-9a-z]+$/);
  assert.equal(header(response.headers, 'cache-control'), 'no-store');
  assert.equal(Number(header(response.headers, 'content-length')), response.body.length);
  assert.doesNotMatch(response.text, /not ?found|forbidden/i);
  if (status === 401) {
    assert.deepEqual(
      allOf(response.headers, 'www-authenticate')
        .join(', ')
        .match(/Basic|Bearer/g),
      ['Basic', 'Bearer'],
    );
  }
  return requestId ?? '';
}

/** The answer for callers that are not Kubernetes clients. */
function assertJson(response: CallerResponse, expected: Expected): void {
  const requestId = assertHeaders(response, expected);
  assert.equal(header(response.headers, 'content-type'), 'application/json');
  const { error } = JSON.parse(response.text) as { error: Record<string, string> };
  assert.equal(error['code'], expected.code);
  assert.equal(error['requestId'], requestId);
  assert.match(error['message'] ?? '', expected.text);
  assert.match(error['hop'] ?? '', /^(caller|controller|link|agent|target)$/);
  assert.equal(header(response.headers, 'warning'), undefined);
}

/** The answer for Kubernetes clients: a Status, and a Warning. */
function assertStatus(response: CallerResponse, expected: Expected): void {
  const requestId = assertHeaders(response, expected);
  assert.equal(header(response.headers, 'content-type'), 'application/json');
  const status = JSON.parse(response.text) as Record<string, unknown>;
  assert.equal(status['kind'], 'Status');
  assert.equal(status['apiVersion'], 'v1');
  assert.equal(status['status'], 'Failure');
  assert.equal(status['code'], expected.status);
  assert.match(String(status['message']), expected.text);
  assert.match(String(status['message']), new RegExp(requestId));
  assert.match(header(response.headers, 'warning') ?? '', /^299 fairlead "/);
}

/** The answer on discovery paths, where kubectl would drop a Status. */
function assertDiscovery(response: CallerResponse, expected: Expected): void {
  assertHeaders(response, expected);
  assert.match(header(response.headers, 'content-type') ?? '', /^text\/plain/);
  assert.match(response.text, expected.text);
  assert.match(header(response.headers, 'warning') ?? '', expected.text);
}

describe('a caller that is no Kubernetes client gets JSON', () => {
  for (const kind of CALLER_KINDS) {
    test(`401 without credential (${kind})`, async () => {
      const expected = { status: 401, code: 'CREDENTIAL_MISSING', text: /no credential was sent/ };
      assertJson(await ask(undefined, {}, kind), expected);
    });
    test(`403 for the path of another route (${kind})`, async () => {
      const request = { target: '/agents/prod/generic/other/' };
      const expected = {
        status: 403,
        code: 'ROUTE_MISMATCH',
        text: /stands for prod\/generic\/web/,
      };
      assertJson(await ask('prod/generic/web', request, kind), expected);
    });
    test(`502 when the target refuses (${kind})`, async () => {
      const expected = { status: 502, code: 'TARGET_UNREACHABLE', text: /generic\/down/ };
      assertJson(await ask('prod/generic/down', {}, kind), expected);
    });
    test(`503 without Retry-After when the agent was never here (${kind})`, async () => {
      const response = await ask('absent/generic/web', {}, kind);
      const text = /agent "absent" is not connected \(not seen yet\)/;
      assertJson(response, { status: 503, code: 'AGENT_NOT_CONNECTED', text });
      assert.equal(header(response.headers, 'retry-after'), undefined);
    });
    test(`503 when the agent does not offer the service (${kind})`, async () => {
      const response = await ask('prod/generic/absent', {}, kind);
      const text = /agent "prod" is connected but does not offer generic\/absent/;
      assertJson(response, { status: 503, code: 'SERVICE_NOT_OFFERED', text });
      assert.equal(header(response.headers, 'retry-after'), undefined);
    });
    test(`504 when the target is silent (${kind})`, async () => {
      target.answer = () => '';
      const expected = { status: 504, code: 'TARGET_SILENT', text: /generic\/web/ };
      assertJson(await ask('prod/generic/web', {}, kind), expected);
    });
  }

  test('429 with Retry-After when the session carries all the streams it may', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const authorization = basic(serviceToken(rig, 'prod/generic/web'));
    target.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n';
    const open = Array.from({ length: MAX_STREAMS }, () =>
      client.request({ ':path': '/watch?watch=1', authorization }),
    );
    await waitFor('all to be open', () => target.requests.length === MAX_STREAMS);
    const response = await ask('prod/generic/web');
    assertJson(response, { status: 429, code: 'TOO_MANY_STREAMS', text: /limits\.maxStreams/ });
    assert.equal(header(response.headers, 'retry-after'), '1');
    client.close();
    await Promise.all(open);
    target.forget();
    await waitFor('room again', async () => (await ask('prod/generic/web')).status === 200);
  });

  test('HEAD gets the headers of the error without its body', async () => {
    const response = await ask('absent/generic/web', { method: 'HEAD' });
    assert.equal(response.status, 503);
    assert.equal(response.body.length, 0);
    assert.ok(Number(header(response.headers, 'content-length')) > 50);
  });

  test('a request with a body is answered at once, and the connection stays in step', async () => {
    const token = basic(serviceToken(rig, 'absent/generic/web'));
    for (const kind of CALLER_KINDS) {
      const caller = await connectCaller(kind, rig.ports.services, { ca: rig.caPem }, token);
      const response = await caller.send({
        method: 'POST',
        target: '/',
        body: Buffer.alloc(200_000),
      });
      assert.equal(response.status, 503);
      caller.close();
    }
  });
});

describe('a Kubernetes client', () => {
  const pods = { target: '/api/v1/namespaces/default/pods' };
  test('gets a Status', async () => {
    assertStatus(await ask('prod/kubernetes/down', pods), {
      status: 502,
      code: 'TARGET_UNREACHABLE',
      text: /target of kubernetes\/down: connection refused/,
    });
    assertStatus(await ask('absent/kubernetes/k8s', pods), {
      status: 503,
      code: 'AGENT_NOT_CONNECTED',
      text: /agent "absent" is not connected/,
    });
    target.answer = () => '';
    assertStatus(await ask('prod/kubernetes/k8s', pods), {
      status: 504,
      code: 'TARGET_SILENT',
      text: /kubernetes\/k8s/,
    });
  });

  test('is known by its prefix or its headers while its credential is not', async () => {
    for (const request of [
      { target: '/agents/prod/kubernetes/k8s/api/v1/pods/x' },
      { target: '/api/v1/namespaces/a/pods/x' },
      { target: '/x', headers: ['Kubectl-Command', 'kubectl get'] },
      { target: '/x', headers: ['Accept', 'application/json;as=Table;g=meta.k8s.io;v=v1'] },
    ]) {
      assertStatus(await ask(undefined, request), {
        status: 401,
        code: 'CREDENTIAL_MISSING',
        text: /no credential/,
      });
    }
  });

  test('gets text and a Warning on discovery paths, with a status that kubectl shows', async () => {
    for (const path of [
      '/api',
      '/apis',
      '/apis/apps/v1',
      '/openapi/v2',
      '/version?timeout=32s',
      '/api/v1',
    ]) {
      assertDiscovery(await ask('absent/kubernetes/k8s', { target: path }), {
        status: 502,
        code: 'AGENT_NOT_CONNECTED',
        text: /agent .*absent.* is not connected/,
      });
    }
    const prefixed = { target: '/agents/absent/kubernetes/k8s/api' };
    assertDiscovery(await ask('absent/kubernetes/k8s', prefixed), {
      status: 502,
      code: 'AGENT_NOT_CONNECTED',
      text: /absent/,
    });
  });

  test('sees what the API server itself refuses unchanged', async () => {
    for (const status of [401, 403, 404, 409, 410, 422, 429, 500]) {
      target.answer = () => answerOf(status, ['Retry-After', '3'], '{"kind":"Status"}');
      const response = await ask('prod/kubernetes/k8s', pods);
      assert.deepEqual([response.status, response.text], [status, '{"kind":"Status"}']);
      assert.equal(header(response.headers, 'x-fairlead-error'), undefined);
    }
  });
});

describe('the request log', () => {
  async function lineOf(path: string): Promise<LogLine> {
    return rig.controller.line((line) => line['path'] === path);
  }

  test('has one line per request: route, status, ending, user and execution', async () => {
    const headers = [
      'X-Spinnaker-User',
      'anne',
      'X-Spinnaker-Execution-Id',
      '01ARZ',
      'Kubectl-Session',
      's-1',
    ];
    target.answer = () => answerOf(201, [], 'abc');
    await ask('prod/generic/web', {
      method: 'POST',
      target: '/log/ok?token=s3cret&b',
      headers,
      body: 'hello',
    });
    const line = await lineOf('/log/ok');
    assert.equal(line['msg'], 'request done');
    assert.equal(line['route'], 'prod/generic/web');
    assert.equal(line['method'], 'POST');
    assert.equal(line['queryNames'], 'token,(bare)');
    assert.equal(line['status'], 201);
    assert.equal(line['ending'], 'complete');
    assert.equal(line['requestBytes'], 5);
    assert.equal(line['responseBytes'], 3);
    assert.equal(line['spinnakerUser'], 'anne');
    assert.equal(line['executionId'], '01ARZ');
    assert.equal(line['kubectlSession'], 's-1');
    assert.equal(line['callerAddress'], '127.0.0.1');
    assert.ok(Number(line['durationMs']) >= 0);
  });

  test('says how requests failed, before and after a route is known', async () => {
    const response = await ask('absent/generic/web', { target: '/log/absent' });
    const failed = await lineOf('/log/absent');
    assert.equal(failed['msg'], 'request failed');
    assert.equal(failed['ending'], 'AGENT_NOT_CONNECTED');
    assert.equal(failed['route'], 'absent/generic/web');
    assert.equal(failed['requestId'], header(response.headers, 'x-request-id'));
    await ask(undefined, { target: '/log/nobody' });
    const refused = await lineOf('/log/nobody');
    assert.equal(refused['ending'], 'CREDENTIAL_MISSING');
    assert.equal(refused['status'], 401);
    assert.equal(refused['route'], undefined);
  });

  test('says that a response was cut, and that a caller left', async () => {
    target.answer = () => (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    await ask('prod/generic/web', { target: '/log/cut' }).catch(() => undefined);
    assert.equal((await lineOf('/log/cut'))['ending'], 'TARGET_BROKE_OFF');
    target.answer = () => '';
    const authorization = basic(serviceToken(rig, 'prod/generic/web'));
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    void client.request({ ':path': '/log/left', authorization });
    await waitFor('the request', () => target.requests.some((one) => one.target === '/log/left'));
    client.close();
    const left = await lineOf('/log/left');
    assert.equal(left['ending'], 'CALLER_LEFT');
    assert.equal(left['status'], undefined);
  });

  test('cannot be broken or forged by what callers send', async () => {
    const headers = ['X-Spinnaker-User', 'a"}{\xff', 'X-Spinnaker-Execution-Id', 'x'.repeat(5000)];
    await ask('prod/generic/web', { target: '/log/%0a{"level":"error"}\x22', headers });
    const line = await rig.controller.line((one) => String(one['path']).startsWith('/log/%0a'));
    assert.ok(String(line['executionId']).length < 200);
    assert.equal(line['level'], 'info');
    assert.match(String(line['spinnakerUser']), /^a"\}\{/);
  });
});

test('no secret is in anything that the processes wrote', async () => {
  const tokens = ['prod/generic/web', 'absent/generic/web', 'prod/kubernetes/k8s'].map((route) =>
    serviceToken(rig, route),
  );
  const altered = `${tokenWithClaims(rig, { iss: 'opsmx', a: 'x' }).slice(0, -3)}AAA`;
  const odd = ['Authorization', `Bearer ${altered}`];
  await ask(undefined, { target: `/secret?access_token=${altered}`, headers: odd });
  await ask(undefined, { target: `/secret/2`, headers: ['X-Opsmx-Token', altered] });
  await rig.controller.line((line) => line['path'] === '/secret/2');
  const output = [...rig.controller.lines, ...agent.lines].join('\n');
  const secrets = [
    ...tokens.map((token) => token.split('.')[2] ?? ''),
    altered,
    tokenKey(rig),
    TARGET_SECRET,
  ];
  for (const secret of [...secrets, 's3cret']) {
    assert.ok(secret.length > 5);
    assert.ok(!output.includes(secret), `${secret.slice(0, 12)}… was written`);
    assert.ok(!output.includes(Buffer.from(secret).toString('base64')), secret.slice(0, 12));
  }
  for (const token of tokens) assert.ok(!output.includes(basic(token).slice(6)));
  assert.doesNotMatch(output, /PRIVATE KEY/);
});
