import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { agentSessions } from '../harness/agent-sessions.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

/** The agent notices a dead link much sooner than the controller: what it leaves there is a ghost. */
const AGENT_LIMITS = { heartbeatIntervalMs: 200, heartbeatTimeoutMs: 1000, reconnectMinMs: 50 };

describe(
  'an agent that comes back while the controller still believes in its old session',
  {
    timeout: 30_000,
  },
  () => {
    let rig: FairleadRig;
    let target: WebTarget;
    let dead: LossyLink;

    before(async () => {
      target = await WebTarget.start();
      rig = await FairleadRig.start();
      dead = await LossyLink.start(rig.ports.agents);
    });

    after(async () => {
      await dead.close();
      await rig.stop();
      await target.close();
    });

    it('replaces the ghost at once: its requests end or are sent again, new ones use the new session, one is listed', async () => {
      const agent = await rig.startAgent({
        services: [target.service()],
        // the way of the first session dies and tells nobody; the next one takes another
        config: {
          controllerHostname: undefined,
          controllerHostnames: [`localhost:${dead.port}`, `localhost:${rig.ports.agents}`],
          limits: AGENT_LIMITS,
        },
      });
      const caller = new ServiceCaller(rig);
      const [ghost] = await agentSessions(rig);
      const begun = await caller.begin('/quiet');
      const unanswered = caller.call('/hang');
      await waitFor('both at the target', () => target.requests === 2);
      dead.impair({ isStalled: true });
      await agent.line(({ msg }) => msg === 'not connected');
      const noticedAt = performance.now();
      await rig.controller.line(
        ({ msg, reason }) =>
          msg === 'agent disconnected' && String(reason).includes('replaced by a newer session'),
      );
      const replacedMs = Math.round(performance.now() - noticedAt);
      assert.equal((await begun.outcome).isWhole, false, 'the request in the ghost is over');
      await waitFor('what had no answer at the target again', () => target.requests === 3);
      target.release();
      assert.equal((await unanswered).text, 'released');
      const next = await caller.call('/ok');
      assert.equal(next.status, 200);
      assert.ok(next.ms < 1000, `${next.ms} ms`);
      const now = await waitFor('one session', async () => {
        const found = await agentSessions(rig);
        return found.length === 1 && found;
      });
      assert.notEqual(now[0], ghost);
      assert.ok(replacedMs < 5000, `${replacedMs} ms`);
      caller.close();
      console.log(`# ghost replaced ${replacedMs} ms after the agent noticed`);
    });

    it('leaves the sessions of other processes of the same name alone', async () => {
      const count = (await agentSessions(rig)).length;
      const other = await rig.startAgent({ services: [target.service()] });
      assert.equal((await agentSessions(rig)).length, count + 1);
      await other.stop('SIGTERM');
    });
  },
);
