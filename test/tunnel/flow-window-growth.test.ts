/**
 * Bulk over a link of 50 ms round trip: the stream's window grows with it, in both directions, instead of
 * staying at what it was.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { oneDecimal } from '../harness/process-memory.js';
import { bodyHash, writeBody } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const MIB = 1024 ** 2;
const RTT_MS = 50;
const BODY_BYTES = 64 * MIB;
/** A quarter of the default, so that the figure is that of windows and not of a busy machine. */
const WINDOW_BYTES = 64 * 1024;
/** What a window that does not grow would give, MiB/s. */
const UNSCALED_MIB_S = WINDOW_BYTES / MIB / (RTT_MS / 1000);

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start({
    controller: { limits: { initialWindowBytes: WINDOW_BYTES } },
    link: { delayMs: RTT_MS / 2 },
  });
});
after(async () => rig.stop());

test('a download over 50 ms round trip is more than 4 times as fast as one window a round trip', async (t) => {
  const start = performance.now();
  const caller = await RawCaller.ask(rig.identity, { path: `/body?bytes=${BODY_BYTES}&framed=1` });
  caller.isKeeping = false;
  await waitFor('the whole body', () => caller.received > BODY_BYTES, 60_000);
  const rate = BODY_BYTES / MIB / ((performance.now() - start) / 1000);
  t.diagnostic(`${oneDecimal(rate)} MiB/s; ${oneDecimal(UNSCALED_MIB_S)} with a window of 64 KiB`);
  assert.ok(rate > 4 * UNSCALED_MIB_S, `${rate} MiB/s`);
  caller.leave();
  await rig.settled();
});

test('an upload over 50 ms round trip is more than 4 times as fast as one window a round trip', async (t) => {
  const start = performance.now();
  const caller = await RawCaller.ask(rig.identity, {
    path: '/upload',
    method: 'PUT',
    headers: [`Content-Length: ${BODY_BYTES}`],
  });
  await writeBody(caller.socket, BODY_BYTES);
  await waitFor('the answer', () => caller.text.includes('sha256'), 60_000);
  const rate = BODY_BYTES / MIB / ((performance.now() - start) / 1000);
  t.diagnostic(`${oneDecimal(rate)} MiB/s; ${oneDecimal(UNSCALED_MIB_S)} with a window of 64 KiB`);
  assert.ok(caller.text.includes(bodyHash(BODY_BYTES)));
  assert.ok(rate > 4 * UNSCALED_MIB_S, `${rate} MiB/s`);
  caller.leave();
  await rig.settled();
});
