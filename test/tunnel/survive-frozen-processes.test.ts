import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { ChildProgram } from '../../deploy/demo/child-program.js';
import { agentSessions } from '../harness/agent-sessions.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const TARGET_PROGRAM = fileURLToPath(new URL('../harness/target-program.ts', import.meta.url));

const HEARTBEAT_TIMEOUT_MS = 2000;
const LIMITS = {
  heartbeatIntervalMs: 400,
  heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
  agentWaitMs: 300,
  reconnectMinMs: 100,
  reconnectMaxMs: 500,
  responseHeadTimeoutMs: 1000,
};

describe('frozen processes (SIGSTOP, SIGCONT)', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let caller: ServiceCaller;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits: LIMITS } });
    caller = new ServiceCaller(rig);
  });

  after(async () => {
    caller.close();
    await rig.stop();
    await target.close();
  });

  it('an agent frozen for longer than the heartbeat allows is given up, and comes back by itself', async () => {
    const options = { services: [target.service()], config: { limits: LIMITS } };
    const agent = await rig.startAgent(options);
    const begun = await caller.begin('/quiet');
    const posted = caller.call('/?ms=60000', { method: 'POST', body: 'x' });
    await waitFor('requests at the target', () => target.open === 2);
    agent.process.kill('SIGSTOP');
    const frozenAt = performance.now();
    const lost = await posted;
    const noticedMs = Math.round(performance.now() - frozenAt);
    assert.equal(lost.status, 502);
    assert.equal(lost.code, 'AGENT_LOST');
    assert.match(lost.text, /has not been heard for/u);
    assert.equal((await begun.outcome).isWhole, false);
    assert.ok(noticedMs < HEARTBEAT_TIMEOUT_MS + 1500, `${noticedMs} ms`);
    agent.process.kill('SIGCONT');
    const wokenAt = performance.now();
    await waitFor('an answer', async () => (await caller.call('/ok')).status === 200);
    const backMs = Math.round(performance.now() - wokenAt);
    assert.ok(backMs < 5000, `${backMs} ms`);
    console.log(`# frozen agent: noticed after ${noticedMs} ms, served ${backMs} ms after SIGCONT`);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('a controller or agent frozen for 3 s keeps its sessions, and the requests in them', async () => {
    const limits = { ...LIMITS, heartbeatTimeoutMs: 10_000 };
    const agent = await rig.startAgent({ services: [target.service()], config: { limits } });
    const before = await agentSessions(rig);
    for (const program of [rig.controller, agent]) {
      target.hold();
      const begun = await caller.begin('/quiet');
      program.process.kill('SIGSTOP');
      // longer than the controller's heartbeat timeout of 2 s: its own sleep must not count as silence
      await delay(program === agent ? 1000 : 3000);
      program.process.kill('SIGCONT');
      target.release();
      const outcome = await begun.outcome;
      assert.equal(outcome.text, 'head\nreleased');
      assert.equal(outcome.isWhole, true);
    }
    assert.equal((await caller.call('/ok')).status, 200);
    assert.deepEqual(await agentSessions(rig), before);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('a frozen target: 504 before the head, other targets are not disturbed, served again after SIGCONT', async () => {
    const program = new ChildProgram({
      name: 'target',
      args: ['--import', 'tsx', TARGET_PROGRAM],
    });
    const { port } = await program.line((line) => 'port' in line);
    const config = { url: `http://127.0.0.1:${Number(port)}` };
    const frozen = { ...target.service('frozen'), config };
    const agent = await rig.startAgent({
      services: [target.service(), frozen],
      config: { limits: LIMITS },
    });
    const toFrozen = new ServiceCaller(rig, { route: 'prod/generic/frozen' });
    assert.equal((await toFrozen.call('/ok')).status, 200);
    program.process.kill('SIGSTOP');
    const [silent, posted, other] = await Promise.all([
      toFrozen.call('/ok'),
      toFrozen.call('/', { method: 'POST', body: 'x' }),
      caller.call('/ok'),
    ]);
    for (const outcome of [silent, posted]) {
      assert.equal(outcome.status, 504);
      assert.equal(outcome.code, 'TARGET_SILENT');
      assert.match(outcome.text, /frozen/u);
      assert.ok(outcome.ms < 3000, `${outcome.ms} ms`);
    }
    assert.equal(other.status, 200);
    assert.ok(other.ms < 500, `${other.ms} ms`);
    program.process.kill('SIGCONT');
    assert.equal((await toFrozen.call('/ok')).status, 200);
    toFrozen.close();
    await program.stop('SIGKILL');
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
