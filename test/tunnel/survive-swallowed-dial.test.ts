import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { defaultLimits } from '../../shared/config/limits.js';
import { agentSessions } from '../harness/agent-sessions.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const { connectTimeoutMs } = defaultLimits();

describe('a dial that was swallowed on its way', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let link: LossyLink;
  let deaf: LossyLink;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start();
    link = await LossyLink.start(rig.ports.agents);
    deaf = await LossyLink.start(rig.ports.agents);
    deaf.isDeaf = true;
  });

  after(async () => {
    await link.close();
    await deaf.close();
    await rig.stop();
    await target.close();
  });

  it('is not waited for: the agent is there within 5 s of the network, limits as by default', async () => {
    link.impair({ isStalled: true });
    const agent = await rig.startAgent({
      services: [target.service()],
      dialPort: link.port,
      waitConnected: false,
    });
    await waitFor('the first bytes of the dial to be swallowed', () => link.swallowed > 0);
    link.impair({ isStalled: false });
    const healedAt = performance.now();
    await agent.line(({ msg }) => msg === 'connected');
    const backMs = Math.round(performance.now() - healedAt);
    console.log(`# connected ${backMs} ms after the network came back`);
    // what is asserted leaves room for a busy machine
    assert.ok(backMs < connectTimeoutMs - 1000, `${backMs} ms`);
    const caller = new ServiceCaller(rig);
    assert.equal((await caller.call('/ok')).status, 200);
    caller.close();
    assert.equal((await agentSessions(rig)).length, 1);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('does not keep the agent from the next address', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      config: {
        controllerHostname: undefined,
        controllerHostnames: [`127.0.0.1:${deaf.port}`, `localhost:${rig.ports.agents}`],
        limits: { connectTimeoutMs: 60_000 },
      },
    });
    const connected = await agent.line(({ msg }) => msg === 'connected');
    assert.equal(connected['controller'], `localhost:${rig.ports.agents}`);
    await waitFor('the other dial to be given up', () => deaf.open === 0);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
