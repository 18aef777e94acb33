/**
 * How links end, as each end counts it: at the controller too, as nobody beside Spinnaker can scrape an agent
 * in a closed network.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { waitFor } from '../harness/wait-for.js';

describe('links that end', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  before(async () => {
    rig = await FairleadRig.start();
  });
  after(async () => {
    await rig.stop();
  });

  /** Reason and count of each sample of `name`. */
  const counts = async (name: string, port: number): Promise<Record<string, number>> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const samples = text.matchAll(new RegExp(`^${name}\\{reason="(\\w+)"\\} (\\d+)$`, 'gm'));
    return Object.fromEntries(
      [...samples].map(([, reason = '', count]) => [reason, Number(count)]),
    );
  };
  const disconnects = () => counts('fairlead_disconnects_total', rig.ports.operations);

  test('are counted by reason at the controller', async () => {
    assert.deepEqual(await disconnects(), {});
    const killed = await rig.startAgent({ services: [] });
    killed.process.kill('SIGKILL');
    await waitFor('the killed agent', async () => (await disconnects())['AGENT_LOST'] === 1);
    const stopped = await rig.startAgent({ services: [] });
    stopped.process.kill('SIGTERM');
    await waitFor('the stopped agent', async () => (await disconnects())['DRAINING'] === 1);
    assert.deepEqual(await disconnects(), { AGENT_LOST: 1, DRAINING: 1 });
  });

  test('are counted by reason at the agent, with each attempt that fails', async () => {
    const agent = await rig.startAgent({ services: [] });
    const { operations } = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    const reconnects = () => counts('fairlead_reconnects_total', Number(operations));
    assert.deepEqual(await reconnects(), {});
    rig.controller.process.kill('SIGKILL');
    await waitFor('a reconnect', async () => ((await reconnects())['AGENT_LOST'] ?? 0) > 0);
  });
});
