/**
 * Requests that meet an agent which has just lost its connection: they wait for it, for
 * limits.agentWaitMs at most, and are then served or told to try again.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServiceRig } from '../harness/service-rig.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const WAIT_MS = 2000;

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start({
    link: {},
    controller: { limits: { agentWaitMs: WAIT_MS, reconnectMinMs: 100, reconnectMaxMs: 200 } },
  });
});
after(async () => rig.stop());

/** Cuts the link and keeps it down. */
async function cut(): Promise<void> {
  const { link } = rig;
  assert.ok(link !== undefined);
  link.isRefusing = true;
  link.cut();
  await waitFor(
    'the loss to be noticed',
    async () => (await rig.metrics('fairlead_sessions'))[0] === 0,
  );
}

test('a request made while the agent is away is served when it returns', async (t) => {
  await cut();
  const start = performance.now();
  const asked = [
    rig.ask('/ok'),
    rig.ask('/upload', { method: 'POST', body: Buffer.alloc(300_000) }),
  ];
  await waitFor(
    'requests to wait',
    async () => (await rig.metrics('fairlead_streams_open'))[0] === 2,
  );
  if (rig.link !== undefined) rig.link.isRefusing = false;
  for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200);
  t.diagnostic(`served after ${(performance.now() - start).toFixed(0)} ms`);
  await rig.settled();
});

test(`when it stays away, the request is answered 503 with Retry-After after ${WAIT_MS} ms`, async () => {
  await cut();
  const start = performance.now();
  const answer = await rig.ask('/ok');
  const waitedMs = performance.now() - start;
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['x-fairlead-error'], 'AGENT_NOT_CONNECTED');
  assert.equal(answer.headers['retry-after'], '1');
  assert.ok(waitedMs >= WAIT_MS - 50, `answered after ${waitedMs} ms`);
  assert.match(answer.text, /agent \\?"prod\\?" is not connected/);
});

test('a caller that leaves while it waits is forgotten', async () => {
  if (rig.link !== undefined) rig.link.isRefusing = false;
  await waitFor('the agent', async () => (await rig.metrics('fairlead_sessions'))[0] === 1);
  await cut();
  const caller = await RawCaller.ask(rig.identity, { path: '/ok?left' });
  await waitFor('it to wait', async () => (await rig.metrics('fairlead_streams_open'))[0] === 1);
  caller.leave();
  await waitFor(
    'it to be forgotten',
    async () => (await rig.metrics('fairlead_streams_open'))[0] === 0,
  );
  if (rig.link !== undefined) rig.link.isRefusing = false;
  await waitFor('the agent', async () => (await rig.metrics('fairlead_sessions'))[0] === 1);
  assert.equal((await rig.ask('/ok')).status, 200);
  assert.equal(rig.target.count('GET /ok?left'), 0);
  await rig.settled();
});
