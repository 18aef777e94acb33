import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { ChildProgram } from '../../deploy/demo/child-program.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const TARGET_PROGRAM = fileURLToPath(new URL('../harness/target-program.ts', import.meta.url));

/** Small waits, so that the test is quick; the defaults are asserted in survive-blackholed-link. */
const LIMITS = { agentWaitMs: 300, reconnectMinMs: 100, reconnectMaxMs: 500 };

describe('kill -9 under requests that are under way', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let caller: ServiceCaller;
  let caller2: ServiceCaller;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits: LIMITS } });
    caller = new ServiceCaller(rig);
    caller2 = new ServiceCaller(rig, { isHttp2: true });
  });

  after(async () => {
    caller.close();
    caller2.close();
    await rig.stop();
    await target.close();
  });

  it('of the agent: 502 before the head, a broken body after it, 503 with Retry-After from then on', async () => {
    const agent = await rig.startAgent({ services: [target.service()] });
    const begun = [await caller.begin('/quiet'), await caller2.begin('/quiet')];
    const posted = [caller, caller2].map((one) => one.call('/', { method: 'POST', body: 'x' }));
    const hanging = [caller, caller2].map((one) => one.call('/hang'));
    for (const one of await Promise.all(posted))
      assert.equal(one.text, '1', 'the target counts its body');
    await waitFor('requests at the target', () => target.open === 4);
    const killedAt = performance.now();
    await agent.stop('SIGKILL');

    for (const one of begun) {
      const { isWhole, text } = await one.outcome;
      assert.equal(text, 'head\n');
      assert.equal(isWhole, false, 'a cut body must not look whole');
    }
    for (const one of await Promise.all(hanging)) {
      // GET is tried once more, and there is no other session: the reason is that of the second try
      assert.equal(one.status, 503);
      assert.equal(one.code, 'AGENT_NOT_CONNECTED');
      assert.equal(one.headers['retry-after'], '1');
      assert.match(one.text, /agent \\?"prod\\?" is not connected/u);
    }
    const noticedMs = Math.round(performance.now() - killedAt);
    await waitFor('the target to be left', () => target.open === 0);
    const next = await caller.call('/ok');
    assert.equal(next.status, 503);
    assert.ok(next.ms >= 250, `waited ${next.ms} ms for the agent`);
    assert.equal(next.headers['retry-after'], '1');
    console.log(`# callers told ${noticedMs} ms after kill -9 of the agent`);
  });

  it('of the agent: a mutation under way gets 502 and is not sent again', async () => {
    const agent = await rig.startAgent({ services: [target.service()] });
    const spare = await rig.startAgent({ services: [target.service()] });
    const before = target.requests;
    const calls = [caller, caller2].flatMap((one) => [
      one.call('/?ms=5000', { method: 'POST', body: 'x' }),
      one.call('/?ms=5000', { method: 'POST', body: 'x' }),
    ]);
    await waitFor('the requests at the target', () => target.open === 4);
    await agent.stop('SIGKILL');
    await spare.stop('SIGKILL');
    for (const one of await Promise.all(calls)) {
      assert.equal(one.status, 502);
      assert.equal(one.code, 'AGENT_LOST');
      assert.match(one.text, /agent \\?"prod\\?" was lost/u);
    }
    assert.equal(target.requests - before, 4);
  });

  it('of one agent of two: its GET requests go through the other one, and none is lost', async () => {
    const agents = [
      await rig.startAgent({ services: [target.service()] }),
      await rig.startAgent({ services: [target.service()] }),
    ];
    const calls = Array.from({ length: 8 }, () => caller.call('/slow?ms=700'));
    await waitFor('the requests at the target', () => target.open === 8);
    await agents[0]?.stop('SIGKILL');
    const outcomes = await Promise.all(calls);
    assert.deepEqual(
      outcomes.map(({ status, text }) => `${status} ${text}`),
      Array.from({ length: 8 }, () => '200 slow'),
    );
    await agents[1]?.stop('SIGKILL');
  });

  it('of the target: 502 before the head, a broken body after it, and served again when it is back', async () => {
    let program = await startTarget(0);
    const { port } = await program.line((line) => 'port' in line);
    const service = {
      ...target.service('killed'),
      config: { url: `http://127.0.0.1:${Number(port)}` },
    };
    const agent = await rig.startAgent({ services: [service] });
    const route = 'prod/generic/killed';
    for (const isHttp2 of [false, true]) {
      const one = new ServiceCaller(rig, { route, isHttp2 });
      const begun = await one.begin('/quiet');
      const hanging = one.call('/slow?ms=20000');
      const posted = one.call('/?ms=20000', { method: 'POST', body: 'x' });
      // the target has them when a later request on other connections is answered
      await waitFor('an answer', async () => (await one.call('/ok')).status === 200);
      await program.stop('SIGKILL');
      const broken = await begun.outcome;
      assert.equal(broken.isWhole, false, 'a cut body must not look whole');
      for (const outcome of await Promise.all([hanging, posted])) {
        assert.equal(outcome.status, 502);
        // GET is repeated on another connection, which is refused then
        assert.match(outcome.code ?? '', /TARGET_BROKE_OFF|TARGET_UNREACHABLE/u);
        assert.match(outcome.text, /generic\/killed|killed/u);
      }
      program = await startTarget(Number(port));
      await program.line((line) => 'port' in line);
      assert.equal((await one.call('/ok')).status, 200);
      one.close();
    }
    await program.stop('SIGKILL');
    await agent.stop('SIGKILL');
  });

  it('of the controller: callers see a broken connection, and the agent is back within 5 s of its restart', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      config: { limits: { reconnectMinMs: 100, reconnectMaxMs: 500 } },
    });
    const begun = await caller.begin('/quiet');
    await rig.controller.stop('SIGKILL');
    assert.equal((await begun.outcome).isWhole, false);
    await waitFor('the target to be left', () => target.open === 0);
    await rig.startController();
    const startedAt = performance.now();
    const answer = await waitFor('an answer', async () => {
      const outcome = await caller.call('/ok');
      return outcome.status === 200 && outcome;
    });
    const backMs = Math.round(performance.now() - startedAt);
    assert.equal(answer.text, 'ok');
    assert.ok(backMs < 5000, `${backMs} ms`);
    assert.equal(agent.process.exitCode, null, 'the agent process lives on');
    console.log(`# served again ${backMs} ms after the controller's restart`);
  });
});

async function startTarget(port: number): Promise<ChildProgram> {
  return new ChildProgram({
    name: 'target',
    args: ['--import', 'tsx', TARGET_PROGRAM, String(port)],
  });
}
