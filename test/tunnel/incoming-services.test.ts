/**
 * The further ports of v3.5's `incomingServices`: at the controller to services of agents (fixed and
 * plain, or by credential over TLS), at an agent to services beside the controller (front50, fiat).
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ChildProgram, LogLine } from '../../deploy/demo/child-program.js';
import { CALLER_KINDS, connectCaller } from '../harness/callers.js';
import { basic, serviceToken, tokenWithClaims } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { allOf, header } from '../harness/http-message.js';
import { RawClient } from '../harness/raw-http.js';
import { LossyLink } from '../harness/lossy-link.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';
import { waitFor } from '../harness/wait-for.js';

let rig: FairleadRig;
let agent: ChildProgram;
let clouddriver: RecordingTarget;
let front50: RecordingTarget;
let fiat: RecordingTarget;

before(async () => {
  clouddriver = await RecordingTarget.start();
  front50 = await RecordingTarget.start();
  fiat = await RecordingTarget.start();
  rig = await FairleadRig.start({
    controller: {
      services: {
        outgoingServices: [beside('front50', front50), beside('fiat', fiat)],
        incomingServices: [
          {
            name: 'fixed',
            port: 0,
            useHTTP: true,
            destination: 'prod',
            serviceType: 'clouddriver',
            destinationService: 'clouddriver',
          },
          {
            name: 'nobody',
            port: 0,
            useHTTP: true,
            destination: 'absent',
            serviceType: 'clouddriver',
            destinationService: 'clouddriver',
            bindAddress: '127.0.0.2',
          },
          { name: 'routed', port: 0 },
        ],
      },
    },
  });
  agent = await rig.startAgent({
    services: [beside('clouddriver', clouddriver)],
    incoming: ['front50', 'fiat', 'echo'].map(toController),
    config: { requestLog: 'all' },
  });
});

after(async () => {
  await rig?.stop();
  for (const target of [clouddriver, front50, fiat]) await target?.close();
});

beforeEach(() => {
  for (const target of [clouddriver, front50, fiat]) target.forget();
});

/** Entry of `outgoingServices` for a target, named as its type. */
function beside(type: string, target: RecordingTarget) {
  const config = { url: `http://127.0.0.1:${target.port}` };
  return { enabled: true, type, name: type, config };
}

/** Entry of `incomingServices` of an agent, for the service of that type and name beside the controller. */
function toController(type: string) {
  return {
    name: `to-${type}`,
    port: 0,
    destination: 'controller',
    serviceType: type,
    destinationService: type,
  };
}

/** Log line that tells where an incoming service listens. */
function listening(program: ChildProgram, name: string): Record<string, unknown> {
  const found = program.lines
    .map((line) => (line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {}))
    .find((line) => line['name'] === name && String(line['msg']).includes('listens'));
  assert.ok(found !== undefined, `${name} does not listen`);
  return found;
}

async function plainClient(program: ChildProgram, name: string): Promise<RawClient> {
  const { port, address } = listening(program, name);
  return RawClient.connect({ port: Number(port), host: String(address) });
}

describe('a plain port of the controller with a fixed destination', () => {
  test('reaches its service without any credential', async () => {
    const client = await plainClient(rig.controller, 'fixed');
    clouddriver.answer = () => answerOf(200, ['X-A', 'b'], 'hello');
    const { text } = await client.exchange('GET //x%2Fy?[1] HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal(text, 'hello');
    assert.equal((await clouddriver.request()).target, '//x%2Fy?[1]');
    client.destroy();
  });

  test('credentials and path prefixes choose nothing', async () => {
    const client = await plainClient(rig.controller, 'fixed');
    const token = serviceToken(rig, 'other/jenkins/ci');
    await client.exchange(
      `GET /agents/other/jenkins/ci/x HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(token)}\r\n\r\n`,
    );
    const seen = await clouddriver.request();
    assert.equal(seen.target, '/agents/other/jenkins/ci/x');
    assert.equal(header(seen.headers, 'authorization'), undefined);
    client.destroy();
  });

  test('Location leads back to the port that the caller used', async () => {
    const client = await plainClient(rig.controller, 'fixed');
    clouddriver.answer = () => answerOf(302, ['Location', '/there']);
    const { headers } = await client.exchange('GET / HTTP/1.1\r\nHost: cd:7002\r\n\r\n');
    assert.equal(header(headers, 'location'), 'http://cd:7002/there');
    client.destroy();
  });

  test('a user that a target echoes comes back as the user', async () => {
    clouddriver.answer = ({ headers }) =>
      answerOf(200, ['X-Spinnaker-User', header(headers, 'x-spinnaker-user') ?? '']);
    const user = Buffer.from('jürgen').toString('latin1');
    const client = await plainClient(rig.controller, 'fixed');
    for (const more of ['', 'Connection: Upgrade\r\nUpgrade: x\r\n']) {
      const { headers, status } = await client.exchange(
        `GET / HTTP/1.1\r\nHost: x\r\nX-Spinnaker-User: ${user}\r\n${more}\r\n`,
      );
      assert.equal(status, 200);
      assert.deepEqual(allOf(headers, 'x-spinnaker-user'), [user]);
    }
    client.destroy();
  });

  test('a user that a target makes up ends its answer with 502', async () => {
    for (const made of ['root', serviceToken(rig, 'prod/clouddriver/clouddriver')]) {
      clouddriver.answer = () => answerOf(200, ['X-Spinnaker-User', made], 'secret');
      const client = await plainClient(rig.controller, 'fixed');
      const response = await client.exchange('GET /made HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.equal(response.status, 502);
      assert.equal(header(response.headers, 'x-fairlead-error'), 'TARGET_USER_REFUSED');
      assert.match(response.text, /X-Spinnaker-User.*between agent and target/);
      assert.match(response.text, /"hop":"target"/);
      assert.deepEqual(allOf(response.headers, 'x-spinnaker-user'), []);
      assert.ok(!response.text.includes(made) && !response.text.includes('secret'));
      client.destroy();
    }
    const line = await rig.controller.line(({ path }) => path === '/made');
    assert.deepEqual([line['status'], line['ending']], [502, 'TARGET_USER_REFUSED']);
  });

  test('a user that a target makes up in trailers or hints does not get through', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nX-Spinnaker-User: root\r\n\r\n';
    const trailing =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Spinnaker-User: root\r\n\r\n';
    for (const answer of [early + answerOf(200), trailing]) {
      clouddriver.answer = () => answer;
      const client = await plainClient(rig.controller, 'fixed');
      client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const { bytes } = await client.closed();
      assert.ok(!bytes.toString().includes('root'), bytes.toString());
      client.destroy();
    }
  });

  test('it is announced loudly, and bindAddress is kept', () => {
    const fixed = listening(rig.controller, 'fixed');
    assert.equal(fixed['level'], 'warn');
    assert.match(String(fixed['msg']), /WITHOUT TLS OR AUTHENTICATION/);
    assert.equal(fixed['address'], '127.0.0.1');
    assert.equal(listening(rig.controller, 'nobody')['address'], '127.0.0.2');
  });

  test('an agent that is not there is 503', async () => {
    const client = await plainClient(rig.controller, 'nobody');
    const response = await client.exchange('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal(response.status, 503);
    assert.match(response.text, /agent \\"absent\\" is not connected/);
    client.destroy();
  });

  test('bad requests are refused there as well', async () => {
    const client = await plainClient(rig.controller, 'fixed');
    client.send(
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    );
    assert.equal((await client.response()).status, 400);
    assert.equal(clouddriver.requests.length, 0);
    client.destroy();
  });
});

describe('a TLS port of the controller, routed by credential', () => {
  for (const kind of CALLER_KINDS) {
    test(`serves like the service port (${kind})`, async () => {
      const { port, level } = listening(rig.controller, 'routed');
      assert.equal(level, 'info');
      const token = serviceToken(rig, 'prod/clouddriver/clouddriver');
      const caller = await connectCaller(kind, Number(port), { ca: rig.caPem }, basic(token));
      assert.equal(
        (await caller.send({ target: '/agents/prod/clouddriver/clouddriver/x' })).status,
        200,
      );
      assert.equal((await clouddriver.request()).target, '/x');
      caller.close();
      const stranger = await connectCaller(kind, Number(port), { ca: rig.caPem });
      assert.equal((await stranger.send({ target: '/' })).status, 401);
      stranger.close();
    });
  }
});

describe('a port of an agent to a service beside the controller', () => {
  test('reaches it and tells it which agent asks', async () => {
    const client = await plainClient(agent, 'to-front50');
    front50.answer = () => answerOf(200, [], 'pipelines');
    const request =
      'POST /pipelines//x?[a] HTTP/1.1\r\nHost: f\r\nX-Opsmx-Agent-Name: forged\r\nContent-Length: 2\r\n\r\nhi';
    assert.equal((await client.exchange(request)).text, 'pipelines');
    const seen = await front50.request();
    assert.equal(seen.target, '/pipelines//x?[a]');
    assert.equal(seen.body.toString(), 'hi');
    assert.deepEqual(allOf(seen.headers, 'x-opsmx-agent-name'), ['prod']);
    client.destroy();
  });

  test('it is announced loudly', () => {
    const line = listening(agent, 'to-front50');
    assert.equal(line['level'], 'warn');
    assert.match(String(line['msg']), /WITHOUT TLS OR AUTHENTICATION/);
  });

  test('a user that the controller signed comes back as the user', async () => {
    const signed = await signedUser('anne@example.com');
    const client = await plainClient(agent, 'to-front50');
    await client.exchange(`GET /signed HTTP/1.1\r\nHost: f\r\nX-Spinnaker-User: ${signed}\r\n\r\n`);
    const { headers } = await front50.request();
    assert.deepEqual(allOf(headers, 'x-spinnaker-user'), ['anne@example.com']);
    client.destroy();
    const isOfIt = ({ path, msg }: LogLine): boolean =>
      path === '/signed' && msg === 'request done';
    // where the user is known, and nothing of the token where it is not
    assert.equal((await rig.controller.line(isOfIt))['spinnakerUser'], 'anne@example.com');
    assert.ok(!('spinnakerUser' in (await agent.line(isOfIt))));
  });

  test('fiat gets the user in its path', async () => {
    const signed = await signedUser('anne smith/ü@example.com');
    const client = await plainClient(agent, 'to-fiat');
    await client.exchange(`GET /authorize/${signed}/accounts?x=1 HTTP/1.1\r\nHost: f\r\n\r\n`);
    const { target } = await fiat.request();
    assert.equal(
      target,
      `/authorize/${encodeURIComponent('anne smith/ü@example.com')}/accounts?x=1`,
    );
    client.destroy();
    const line = await rig.controller.line(({ path }) => /^\/authorize/.test(String(path)));
    assert.deepEqual(
      [line['route'], line['path'], line['status']],
      [
        'controller/fiat/fiat',
        `/authorize/${encodeURIComponent('anne smith/ü@example.com')}/accounts`,
        200,
      ],
    );
    for (const program of [rig.controller, agent]) {
      assert.ok(!program.lines.some((text) => text.includes(signed)), 'the token is a secret');
    }
  });

  const forged: Record<string, () => string> = {
    'not signed': () => 'anne@example.com',
    'signed too long ago': () =>
      tokenWithClaims(rig, { iss: 'opsmx-header-mutation', u: 'anne', iat: 1, exp: 2 }),
    'no sound percent-encoding': () => 'anne%zz',
    'a service token': () => serviceToken(rig, 'prod/clouddriver/clouddriver'),
  };
  for (const [what, make] of Object.entries(forged)) {
    test(`a user that is ${what} is refused, in header and path`, async () => {
      const value = make();
      const header50 = await plainClient(agent, 'to-front50');
      const byHeader = await header50.exchange(
        `GET / HTTP/1.1\r\nHost: f\r\nX-Spinnaker-User: ${value}\r\n\r\n`,
      );
      const toFiat = await plainClient(agent, 'to-fiat');
      const byPath = await toFiat.exchange(`GET /authorize/${value} HTTP/1.1\r\nHost: f\r\n\r\n`);
      for (const response of [byHeader, byPath]) {
        assert.equal(response.status, 401);
        assert.equal(header(response.headers, 'x-fairlead-error'), 'CREDENTIAL_REFUSED');
        assert.match(response.text, /did not come through this controller/);
        assert.ok(!response.text.includes(value));
      }
      assert.equal(front50.requests.length + fiat.requests.length, 0);
      header50.destroy();
      toFiat.destroy();
    });
  }

  test('two users in one request do not slip through', async () => {
    const signed = await signedUser('anne');
    for (const users of [
      [signed, 'root'],
      ['root', signed],
    ]) {
      const client = await plainClient(agent, 'to-front50');
      const lines = users.map((user) => `X-Spinnaker-User: ${user}\r\n`).join('');
      await client.exchange(`GET / HTTP/1.1\r\nHost: f\r\n${lines}\r\n`);
      for (const { headers } of front50.requests) {
        assert.deepEqual(allOf(headers, 'x-spinnaker-user'), ['anne']);
      }
      client.destroy();
    }
  });

  test('a user in an answer goes into the tunnel signed, over every kind of connection', async () => {
    // pooled, and one of its own
    for (const more of ['', 'Expect: 100-continue\r\n']) {
      front50.answer = () =>
        answerOf(200, ['x-spinnaker-USER', 'anne', 'X-Spinnaker-User', 'root']);
      const client = await plainClient(agent, 'to-front50');
      const request = `POST / HTTP/1.1\r\nHost: f\r\n${more}Content-Length: 2\r\n\r\nhi`;
      const { headers } = await client.exchange(request);
      const [token = '', ...others] = allOf(headers, 'x-spinnaker-user');
      assert.deepEqual(others, []);
      // what the agent's side can give back
      const asked = `GET / HTTP/1.1\r\nHost: f\r\nX-Spinnaker-User: ${token}\r\n\r\n`;
      front50.forget();
      const back = await plainClient(agent, 'to-front50');
      assert.equal((await back.exchange(asked)).status, 200);
      back.destroy();
      assert.deepEqual(allOf((await front50.request()).headers, 'x-spinnaker-user'), ['anne']);
      client.destroy();
    }
  });

  test('a service that the controller does not offer is 503', async () => {
    const client = await plainClient(agent, 'to-echo');
    const response = await client.exchange('GET / HTTP/1.1\r\nHost: f\r\n\r\n');
    assert.equal(response.status, 503);
    assert.equal(header(response.headers, 'x-fairlead-error'), 'SERVICE_NOT_OFFERED');
    assert.match(response.text, /echo\/echo/);
    client.destroy();
  });

  test('requests are logged at the agent with route and status', async () => {
    const client = await plainClient(agent, 'to-front50');
    await client.exchange('GET /logged HTTP/1.1\r\nHost: f\r\n\r\n');
    const line = await agent.line((one) => one['path'] === '/logged');
    assert.equal(line['route'], 'controller/front50/front50');
    assert.equal(line['status'], 200);
    client.destroy();
  });

  test('requests are counted once at each end, under one route', async () => {
    const series = 'fairlead_requests_total{agent="controller",type="front50"';
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    const ends = [rig.ports.operations, Number(operations)];
    const counts = async () =>
      Promise.all(ends.map((port) => valueOf(port, `${series},service="front50",status="200"}`)));
    const before = await counts();
    const client = await plainClient(agent, 'to-front50');
    await client.exchange('GET /counted HTTP/1.1\r\nHost: f\r\n\r\n');
    client.destroy();
    await waitFor('both counts', async () => {
      const now = await counts();
      return now.every((count, end) => count === Number(before[end]) + 1);
    });
  });

  test('a service beside the controller that is down is 502', async () => {
    await front50.close();
    const client = await plainClient(agent, 'to-front50');
    const response = await client.exchange('GET / HTTP/1.1\r\nHost: f\r\n\r\n');
    assert.equal(response.status, 502);
    assert.equal(header(response.headers, 'x-fairlead-error'), 'TARGET_UNREACHABLE');
    client.destroy();
  });
});

/** Value of a series, as it stands in the metrics. */
async function valueOf(port: number, series: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}

/** What a service of the agent gets as X-Spinnaker-User of a request that came through the controller. */
async function signedUser(user: string): Promise<string> {
  const client = await plainClient(rig.controller, 'fixed');
  clouddriver.forget();
  const bytes = Buffer.from(user).toString('latin1');
  await client.exchange(`GET / HTTP/1.1\r\nHost: x\r\nX-Spinnaker-User: ${bytes}\r\n\r\n`);
  client.destroy();
  const seen = await waitFor('the request', () => clouddriver.requests[0]);
  const [signed = ''] = allOf(seen.headers, 'x-spinnaker-user');
  assert.match(signed, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  return signed;
}

describe('a port of an agent that may carry two requests at once', () => {
  test('has room again for each that was under way when the link was lost', async () => {
    const busy = await RecordingTarget.start();
    const own = await FairleadRig.start({
      controller: { services: { outgoingServices: [beside('front50', busy)] } },
    });
    const link = await LossyLink.start(own.ports.agents);
    try {
      const program = await own.startAgent({
        services: [],
        incoming: [toController('front50')],
        config: { limits: { maxStreams: 2, maxStreamsPerSession: 2, reconnectMinMs: 50 } },
        dialPort: link.port,
      });
      const ask = async (path: string): Promise<number> => {
        const client = await plainClient(program, 'to-front50');
        const { status } = await client.exchange(`GET ${path} HTTP/1.1\r\nHost: f\r\n\r\n`);
        client.destroy();
        return status;
      };
      busy.answer = ({ target }) => (target === '/held' ? () => undefined : answerOf(200));
      for (let round = 0; round < 3; round++) {
        busy.requests.length = 0;
        const held = ask('/held');
        await busy.request();
        link.cut();
        assert.equal(await held, 503);
        await waitFor('the link', async () => (await ask('/')) !== 503);
        assert.equal(await ask('/'), 200, `round ${round}`);
      }
    } finally {
      await own.stop();
      await link.close();
      await busy.close();
    }
  });
});
