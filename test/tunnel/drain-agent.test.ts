import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

/** Far below limits.drainGraceMs (25 s): whoever stops within it did not wait for the grace period. */
const PROMPT_MS = 4000;

describe('SIGTERM on an agent', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let callers: ServiceCaller[];

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits: { agentWaitMs: 300 } } });
    callers = [new ServiceCaller(rig), new ServiceCaller(rig, { isHttp2: true })];
  });

  beforeEach(() => target.hold());

  after(async () => {
    for (const caller of callers) caller.close();
    await rig.stop();
    await target.close();
  });

  function start(limits: Readonly<Record<string, number>> = {}): Promise<ChildProgram> {
    return rig.startAgent({ services: [target.service()], config: { limits } });
  }

  it('ends an idle one promptly, with exit code 0', async () => {
    const agent = await start();
    const stoppedAt = performance.now();
    assert.equal(await agent.stop('SIGTERM'), 0);
    const ms = Math.round(performance.now() - stoppedAt);
    assert.ok(ms < PROMPT_MS, `${ms} ms`);
    console.log(`# idle agent: gone ${ms} ms after SIGTERM`);
  });

  it('lets requests under way finish, whatever they are, and ends right after the last', async () => {
    const agent = await start();
    const begun = await Promise.all(callers.map((caller) => caller.begin('/quiet')));
    const waiting = callers.flatMap((caller) => [
      caller.call('/hang'),
      caller.call('/drip?n=5&ms=100'),
      caller.call('/?ms=500', { method: 'POST', body: 'x'.repeat(5000) }),
    ]);
    await waitFor('the requests at the target', () => target.open === 8);
    agent.process.kill('SIGTERM');
    await agent.line(({ msg }) => String(msg).startsWith('agent stops'));
    await waitFor('not ready', async () => !(await isReady(await operationsPort(agent))));
    // nobody else offers the service: told so after agentWaitMs, and never carried by the one that stops
    const refused = await callers[0]?.call('/ok');
    assert.equal(refused?.status, 503);
    target.release();
    for (const one of begun) assert.equal((await one.outcome).text, 'head\nreleased');
    const outcomes = await Promise.all(waiting);
    assert.deepEqual(
      outcomes.map(({ status, isWhole, text }) => `${status} ${isWhole} ${text.slice(-8)}`),
      callers.flatMap(() => [
        '200 true released',
        '200 true 2\n3\n4\nend'.slice(0, 9) + '2\n3\n4\nend'.slice(-8),
        '200 true 5000',
      ]),
    );
    const doneAt = performance.now();
    assert.equal(await agent.exited, 0);
    const ms = Math.round(performance.now() - doneAt);
    assert.ok(ms < PROMPT_MS, `${ms} ms`);
    console.log(`# busy agent: gone ${ms} ms after its last request`);
  });

  it('sends new requests to the others of its name from that moment on', async () => {
    const [agent, other] = [await start(), await start()];
    const begun = await callers[0]?.begin('/quiet');
    const holder = await busyAgent([agent, other]);
    holder.process.kill('SIGTERM');
    await holder.line(({ msg }) => String(msg).startsWith('agent stops'));
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => callers.map((caller) => caller.call('/ok'))).flat(),
    );
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      Array.from({ length: 20 }, () => 200),
    );
    target.release();
    assert.equal((await begun?.outcome)?.isWhole, true);
    assert.equal(await holder.exited, 0);
    for (const one of [agent, other]) await one.stop('SIGTERM');
  });

  it('breaks off what is left after limits.drainGraceMs, says so, and still ends with 0', async () => {
    const agent = await start({ drainGraceMs: 700 });
    const begun = await Promise.all(callers.map((caller) => caller.begin('/quiet')));
    const posted = callers.map((caller) =>
      caller.call('/?ms=60000', { method: 'POST', body: 'x' }),
    );
    await waitFor('the requests at the target', () => target.open === 4);
    const stoppedAt = performance.now();
    assert.equal(await agent.stop('SIGTERM'), 0);
    const ms = Math.round(performance.now() - stoppedAt);
    assert.ok(ms >= 650 && ms < PROMPT_MS, `${ms} ms`);
    for (const one of begun) assert.equal((await one.outcome).isWhole, false);
    for (const outcome of await Promise.all(posted)) {
      assert.equal(outcome.status, 502);
      assert.match(outcome.text, /agent \\?"prod\\?" was lost: .*the agent stops/u);
    }
    assert.ok(agent.lines.some((line) => line.includes('grace period is over')));
    await waitFor('the target to be left', () => target.open === 0);
  });

  it('a second time ends it at once', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const agent = await start();
      const begun = await callers[0]?.begin('/quiet');
      agent.process.kill('SIGTERM');
      await agent.line(({ msg }) => String(msg).startsWith('agent stops'));
      const stoppedAt = performance.now();
      agent.process.kill(signal);
      assert.equal(await agent.exited, signal === 'SIGTERM' ? 143 : 130);
      assert.ok(performance.now() - stoppedAt < 1500);
      assert.equal((await begun?.outcome)?.isWhole, false);
    }
  });
});

async function operationsPort(agent: ChildProgram): Promise<number> {
  const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
  return Number(operations);
}

async function isReady(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
}

/** The agent whose metrics show the one open stream. */
async function busyAgent(agents: readonly ChildProgram[]): Promise<ChildProgram> {
  return waitFor('the agent that carries the request', async () => {
    for (const agent of agents) {
      const response = await fetch(`http://127.0.0.1:${await operationsPort(agent)}/metrics`);
      if (/^fairlead_streams_open\S* 1$/mu.test(await response.text())) return agent;
    }
    return undefined;
  });
}
