/**
 * The agent writes down what it forwards as the controller does: metrics by route and status, and a line
 * per request when `requestLog` asks for it, without a word of what is secret.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

describe('requests that an agent forwards', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let agent: ChildProgram;
  let port: number;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start();
    const down = { ...target.service('down'), config: { url: 'http://127.0.0.1:1' } };
    agent = await rig.startAgent({
      services: [target.service(), down],
      config: { requestLog: 'all', limits: { heartbeatIntervalMs: 1000 } },
    });
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    port = Number(operations);
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

  const metric = (name: string, labels: string) => rig.metric(`${name}{${labels}}`, port);
  const line = (path: string) =>
    agent.line((one) => /^request /.test(String(one['msg'])) && one['path'] === path);

  test('are counted by route, status, bytes and ending, and logged', async () => {
    const caller = new ServiceCaller(rig);
    await caller.call('/bytes?n=5000&token=hush');
    await caller.call('/?ms=1', { method: 'POST', body: 'x'.repeat(700) });
    await caller.call('/nowhere');
    const left = await caller.begin('/quiet');
    caller.close();
    assert.equal((await left.outcome).isWhole, false);
    const text = await waitFor('the count of all four', async () => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      const shown = await response.text();
      return /fairlead_requests_total\{[^}]*status="404"\} 1/.test(shown) &&
        (await rig.metric('fairlead_streams_open', port)) === 0
        ? shown
        : undefined;
    });
    const route = 'agent="prod",type="generic",service="web"';
    assert.ok(text.includes(`fairlead_requests_total{${route},status="200"} 3`), text);
    assert.match(text, new RegExp(`^fairlead_request_bytes_total\\{${route}\\} 700$`, 'm'));
    assert.match(text, new RegExp(`^fairlead_response_bytes_total\\{${route}\\} 50\\d\\d$`, 'm'));

    const whole = await line('/bytes');
    assert.deepEqual(
      [whole['route'], whole['method'], whole['status'], whole['responseBytes'], whole['ending']],
      ['prod/generic/web', 'GET', 200, 5000, 'complete'],
    );
    assert.equal((await line('/quiet'))['ending'], 'CALLER_LEFT');
    assert.ok(agent.lines.every((one) => !one.includes('hush')));
    assert.match(text, /^fairlead_response_head_seconds_count\{type="generic"\} 4$/m);
  });

  test('counts its session and shows the round trip, and no series of the Go controllers', async () => {
    await waitFor('a round trip', async () => {
      return (await metric('fairlead_session_rtt_seconds', 'agent="prod"')) > 0;
    });
    assert.equal(await metric('fairlead_sessions', 'agent="prod"'), 1);
    const shown = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    assert.doesNotMatch(shown, /^(?:agents_connected|routess_connected|api_requests_total)/m);
  });

  test('are failures when the target is down', async () => {
    const toDown = new ServiceCaller(rig, { route: 'prod/generic/down' });
    assert.equal((await toDown.call('/lost')).status, 502);
    const failed = await line('/lost');
    assert.deepEqual(
      [failed['msg'], failed['ending'], failed['status']],
      ['request failed', 'TARGET_UNREACHABLE', undefined],
    );
    const { causes } = failed['err'] as { causes: string[] };
    assert.deepEqual(causes, ['connect ECONNREFUSED 127.0.0.1:1']);
    const { err, streamId } = await rig.controller.line(({ path }) => path === '/lost');
    assert.equal(typeof streamId, 'number');
    assert.equal(streamId, failed['streamId'], 'the same request at both ends');
    assert.deepEqual(err, {
      code: 'TARGET_UNREACHABLE',
      message: 'target of generic/down: connection refused',
    });
    assert.equal(
      await metric('fairlead_request_failures_total', 'error="TARGET_UNREACHABLE",hop="target"'),
      1,
    );
    toDown.close();
  });
});
