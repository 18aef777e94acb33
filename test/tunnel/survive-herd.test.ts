/**
 * More agents than a controller can let in within the time that they wait: after a restart all of them come at
 * once, and those who have given up meanwhile must not stand in the way of those who still wait.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { RawClient } from '../harness/raw-http.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

/** Fewer than the least backlog that kernels are set to (128). */
const GIVEN_UP = 100;
/** Those that may come to their turn before the newest: one per ACCEPT_MS that accepting all of them takes. */
const MAX_BEFORE = 50;

describe('more dials than a controller can take', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({
      controller: { logLevel: 'debug', limits: { connectTimeoutMs: 60_000 } },
    });
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

  it('the newest is served before those that have been given up, and then an agent', async () => {
    const { controller, ports } = rig;
    controller.process.kill('SIGSTOP');
    const dial = (): Promise<RawClient> => RawClient.connect({ port: ports.agents });
    const dials = await Promise.all(Array.from({ length: GIVEN_UP }, dial));
    for (const { socket } of dials) socket.destroy();
    const newest = await dial();
    newest.send('GET / HTTP/1.1\r\n\r\n'); // the log tells it from the others
    controller.process.kill('SIGCONT');
    const failures = (): string[] =>
      controller.lines.filter((line) => line.includes('agent TLS failed'));
    await waitFor('all to be served', () => failures().length > GIVEN_UP, 30_000);
    const before = failures().findIndex((line) => line.includes('http request'));
    assert.ok(before >= 0, `the newest is not among the failed: ${failures().at(-1) ?? ''}`);
    assert.ok(before <= MAX_BEFORE, `${before} that had been given up were served first`);
    newest.socket.destroy();
    const agent = await rig.startAgent({ services: [target.service()] });
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});
