import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { defaultLimits } from '../../shared/config/limits.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const HEARTBEAT_TIMEOUT_MS = 1500;
const LIMITS = {
  heartbeatIntervalMs: 300,
  heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
  connectTimeoutMs: 1000,
  agentWaitMs: 200,
};

describe('a link that swallows everything and tells nobody', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let link: LossyLink;
  let caller: ServiceCaller;
  let caller2: ServiceCaller;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { limits: LIMITS } });
    link = await LossyLink.start(rig.ports.agents);
    // reconnectMinMs and reconnectMaxMs as they are by default: the figure below depends on them
    await rig.startAgent({
      services: [target.service()],
      dialPort: link.port,
      config: { limits: LIMITS },
    });
    caller = new ServiceCaller(rig);
    caller2 = new ServiceCaller(rig, { isHttp2: true });
  });

  after(async () => {
    caller.close();
    caller2.close();
    await link.close();
    await rig.stop();
    await target.close();
  });

  it('is noticed within 25 s by default: heartbeats every 10 s', () => {
    const { heartbeatIntervalMs, heartbeatTimeoutMs } = defaultLimits();
    assert.deepEqual(
      { heartbeatIntervalMs, heartbeatTimeoutMs },
      {
        heartbeatIntervalMs: 10_000,
        heartbeatTimeoutMs: 25_000,
      },
    );
  });

  for (const direction of ['up', 'down', 'both'] as const) {
    it(`${direction}: noticed by the heartbeat, requests end with a reason, the agent is back within 5 s`, async () => {
      target.hold();
      const begun = [await caller.begin('/quiet'), await caller2.begin('/quiet')];
      const posted = [caller, caller2].map((one) =>
        one.call('/?ms=60000', { method: 'POST', body: 'x' }),
      );
      await waitFor('requests at the target', () => target.open === 4);
      const impaired = direction === 'both' ? [link.up, link.down] : [link[direction]];
      for (const one of impaired) one.isStalled = true;
      const stalledAt = performance.now();
      const lost = await Promise.all(posted);
      const noticedMs = Math.round(performance.now() - stalledAt);
      for (const outcome of lost) {
        assert.equal(outcome.status, 502);
        assert.equal(outcome.code, 'AGENT_LOST');
        assert.match(outcome.text, /agent \\?"prod\\?" was lost: .*not been heard for/u);
      }
      for (const one of begun) assert.equal((await one.outcome).isWhole, false);
      await waitFor('the target to be left', () => target.open === 0);
      assert.ok(noticedMs <= 2 * HEARTBEAT_TIMEOUT_MS, `${noticedMs} ms`);

      const during = await caller.call('/ok');
      assert.equal(during.status, 503);
      assert.equal(during.headers['retry-after'], '1');

      for (const one of impaired) one.isStalled = false;
      const healedAt = performance.now();
      await waitFor('an answer', async () => (await caller2.call('/ok')).status === 200);
      const backMs = Math.round(performance.now() - healedAt);
      assert.ok(backMs < 5000, `${backMs} ms`);
      console.log(`# ${direction}: noticed after ${noticedMs} ms, back after ${backMs} ms`);
    });
  }

  it('a link that is cut (RST) is noticed at once', async () => {
    target.hold();
    const begun = await caller.begin('/quiet');
    const cutAt = performance.now();
    link.cut();
    assert.equal((await begun.outcome).isWhole, false);
    const noticedMs = Math.round(performance.now() - cutAt);
    assert.ok(noticedMs < 1000, `${noticedMs} ms`);
    await waitFor('an answer', async () => (await caller.call('/ok')).status === 200);
    console.log(
      `# cut: noticed after ${noticedMs} ms, back after ${Math.round(performance.now() - cutAt)} ms`,
    );
  });

  it('corrupt bytes end the session by TLS, and the agent connects anew', async () => {
    target.hold();
    const before = link.connections;
    const begun = await caller.begin('/quiet');
    link.impair({ corruptEvery: 50 });
    const posted = await caller.call('/', { method: 'POST', body: 'x'.repeat(1000) });
    assert.notEqual(posted.status, 200);
    assert.equal((await begun.outcome).isWhole, false);
    link.impair({ corruptEvery: undefined });
    await waitFor('an answer', async () => (await caller.call('/ok')).status === 200);
    assert.ok(link.connections > before);
  });
});
