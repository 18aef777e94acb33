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
    agent = await rig.startAgent({ services: [target.service()], config: { requestLog: 'all' } });
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    port = Number(operations);
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

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
});
