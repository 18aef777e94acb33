import assert from 'node:assert/strict';
import * as net from 'node:net';
import { after, before, describe, it } from 'node:test';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { LossyLink } from '../harness/lossy-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { WebTarget } from '../harness/web-target.js';

const LIMITS = { connectTimeoutMs: 500, reconnectMinMs: 50, reconnectMaxMs: 1000 };

describe('several controller addresses, tried in turn', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let deaf: LossyLink;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({ controller: { bindAddress: undefined, serverNames: ['::1'] } });
    deaf = await LossyLink.start(rig.ports.agents);
    deaf.isDeaf = true;
  });

  after(async () => {
    await deaf.close();
    await rig.stop();
    await target.close();
  });

  const cases = [
    {
      what: 'one that refuses',
      first: async () => `127.0.0.1:${await refusingPort()}`,
      reason: /connection refused/u,
    },
    {
      what: 'one that accepts and says nothing (connectTimeoutMs)',
      first: async () => `127.0.0.1:${deaf.port}`,
      reason: /no welcome within 0\.5 s/u,
    },
    {
      what: 'a name that does not resolve',
      first: async () => 'nonexistent.invalid:9001',
      reason: /nonexistent\.invalid:9001: its name does not resolve/u,
    },
  ];
  for (const { what, first, reason } of cases) {
    it(`goes past ${what} and connects to the next`, async () => {
      const controllerHostnames = [await first(), `localhost:${rig.ports.agents}`];
      const agent = await rig.startAgent({
        services: [target.service()],
        config: { controllerHostname: undefined, controllerHostnames, limits: LIMITS },
      });
      const failed = await agent.line(({ msg }) => msg === 'not connected');
      assert.match(String(failed['reason']), reason);
      const connected = await agent.line(({ msg }) => msg === 'connected');
      assert.equal(connected['controller'], `localhost:${rig.ports.agents}`);
      assert.equal(await agent.stop('SIGTERM'), 0);
    });
  }

  it('connects over IPv6', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      config: { controllerHostname: `[::1]:${rig.ports.agents}`, limits: LIMITS },
    });
    const caller = new ServiceCaller(rig);
    assert.equal((await caller.call('/ok')).status, 200);
    caller.close();
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('goes on trying a name that does not resolve, and says which one', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      config: { controllerHostname: 'nonexistent.invalid:9001', limits: LIMITS },
      waitConnected: false,
    });
    // tried again and again, and the process lives on
    await agent.until(
      () => agent.lines.filter((line) => line.includes('"not connected"')).length >= 4,
    );
    assert.equal(agent.process.exitCode, null);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('stops at once on SIGTERM while it dials a controller that says nothing', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      config: {
        controllerHostname: `127.0.0.1:${deaf.port}`,
        limits: { connectTimeoutMs: 20_000 },
      },
      waitConnected: false,
    });
    await agent.line(({ msg }) => msg === 'agent is ready to connect');
    const stoppedAt = performance.now();
    assert.equal(await agent.stop('SIGTERM'), 0);
    const ms = performance.now() - stoppedAt;
    assert.ok(ms < 3000, `${ms} ms`);
  });
});

/** A port where nobody listens: it was free a moment ago. */
async function refusingPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
