/**
 * One caller that reads a huge response at 10 KB/s: the target is held back, nobody else notices, and
 * neither process holds more than the stream's window.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MemoryWatch, oneDecimal } from '../harness/process-memory.js';
import { writeBody } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { latencies, percentile } from '../harness/latency.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
/** What may wait on the way: our windows and the buffers of four kernel sockets. */
const HELD_BYTES = 48 * MIB;

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start();
});
after(async () => rig.stop());

test('a reader at 10 KB/s of 1 GiB holds the target back, delays nobody and costs less than 32 MB', async (t) => {
  await rig.warmUp();
  const quiet = await latencies(rig, 300);

  let written = 0;
  let isOver = false;
  rig.target.on.set('/huge', ({ response }) => {
    void writeBody(response, GIB, (total) => (written = total)).then(() => (isOver = true));
  });
  const memory = new MemoryWatch(rig.pids);
  const caller = await RawCaller.ask(rig.identity, { path: '/huge' });
  caller.isKeeping = false;
  const stopReading = caller.readAt(10_000);
  try {
    await waitFor('the target to be held back', async () => {
      const before = written;
      await delay(1000);
      return written > 0 && written - before < MIB;
    });
    const heldBackAt = written;
    const readBefore = caller.received;
    const busy = await latencies(rig, 300);
    await waitFor('the reader to go on', () => caller.received - readBefore > 10_000);

    const [controllerMib = 0, agentMib = 0] = memory.stop();
    t.diagnostic(`target held back after ${oneDecimal(heldBackAt / MIB)} MiB of 1024`);
    t.diagnostic(
      `p99 of others ${oneDecimal(percentile(quiet, 99))} ms before, ${oneDecimal(percentile(busy, 99))} ms beside`,
    );
    // as it was, with room for a busy machine: who waited for a stopped reader would wait for ever
    const [was, is] = [quiet, busy].map((times) => percentile(times, 50));
    assert.ok((is ?? 0) < (was ?? 0) + 100, `p50 of others ${was} ms before, ${is} ms beside`);
    t.diagnostic(
      `grown by ${oneDecimal(controllerMib)} MiB (controller), ${oneDecimal(agentMib)} MiB (agent)`,
    );
    assert.equal(isOver, false);
    assert.ok(heldBackAt < HELD_BYTES, `target sent ${heldBackAt} bytes`);
    assert.ok(written - heldBackAt < 8 * MIB, 'the target sends no faster than the reader reads');
    assert.ok(controllerMib < 32, `controller grew by ${controllerMib} MiB`);
    assert.ok(agentMib < 32, `agent grew by ${agentMib} MiB`);
  } finally {
    stopReading();
    caller.leave();
  }
  await rig.settled();
});
