/**
 * Callers that stopped reading, over HTTP/1.1 and HTTP/2: each costs its window and no more, others go on
 * as before, and when they leave nothing of it stays.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { latencies, percentile } from '../harness/latency.js';
import { oneDecimal, residentMib } from '../harness/process-memory.js';
import { heldBack, writeBody } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const STALLED = 100;
/** So many may cost both processes less than `HALF_MIB` over idle, each. */
const HALF = STALLED / 2;
const HALF_MIB = 32;
/** Few over HTTP/1.1: each of those fills 7 MB of kernel buffers before it stalls. */
const RAW = 20;
const FIRST_WINDOW_BYTES = 256 * 1024;
/** Per stalled stream and process, MiB: the 256 KiB window, its TLS records, and the stream itself. */
const STREAM_MIB = 0.5;

/** Outside the heap of an idle process it is 3 MiB. */
const IDLE_EXTERNAL_BYTES = 12 * MIB;

let rig: ServiceRig;
let written = 0;
before(async () => {
  rig = await ServiceRig.start();
  rig.target.on.set('/huge', ({ response }) => {
    let before = 0;
    void writeBody(response, GIB, (total) => {
      written += total - before;
      before = total;
    });
  });
});
after(async () => rig.stop());

test('50 callers that stopped reading cost less than 32 MiB, 100 (20 h1, 80 h2) at most 0.5 MiB each, and delay nobody', async (t) => {
  await rig.warmUp();
  const quiet = await latencies(rig, 300);
  const idleMib = rig.pids.map(residentMib);
  const idleUsedMib = await usedMib();

  const raw: RawCaller[] = [];
  const http2Caller = await Http2Caller.connect(rig.identity);
  try {
    const stall = async (): Promise<number[]> => {
      for (let i = 0; i < HALF; i++) {
        if (i >= RAW / 2) http2Caller.open('/huge').pause();
        else raw.push(await RawCaller.ask(rig.identity, { path: '/huge', isStopped: true }));
      }
      await heldBack(() => written);
      return rig.pids.map((pid, i) => residentMib(pid) - (idleMib[i] ?? 0));
    };
    const half = await stall();
    t.diagnostic(
      `MiB over idle with ${HALF}: ${half.map(oneDecimal).join(' (controller), ')} (agent)`,
    );
    for (const mib of half) assert.ok(mib < HALF_MIB, `${mib} MiB for ${HALF} stalled streams`);
    await stall();
    assert.deepEqual(await rig.metrics('fairlead_streams_open'), [STALLED, STALLED]);
    const [queued = 0] = await rig.metrics('fairlead_queued_bytes');
    const busy = await latencies(rig, 300);

    const grown = rig.pids.map((pid, i) => residentMib(pid) - (idleMib[i] ?? 0));
    // without what only waits to be collected
    const each = await waitFor('what is held to be all there is', async () => {
      await delay(2500);
      const mib = (await usedMib()).map((used, i) => (used - (idleUsedMib[i] ?? 0)) / STALLED);
      return mib.every((one) => one <= STREAM_MIB) && mib;
    });
    t.diagnostic(
      `queued in the controller: ${oneDecimal(queued / MIB)} MiB; target wrote ${oneDecimal(written / MIB)} MiB`,
    );
    t.diagnostic(`resident memory grown by ${grown.map(oneDecimal).join(' and ')} MiB`);
    t.diagnostic(
      `MiB per stalled stream: ${each.map((mib) => mib.toFixed(2)).join(' (controller), ')} (agent)`,
    );
    t.diagnostic(
      `p99 of others ${oneDecimal(percentile(quiet, 99))} ms before, ${oneDecimal(percentile(busy, 99))} ms beside`,
    );
    // as it was, with room for a busy machine: who waited for a stopped reader would wait for ever
    const [was, is] = [quiet, busy].map((times) => percentile(times, 50));
    assert.ok((is ?? 0) < (was ?? 0) + 100, `p50 of others ${was} ms before, ${is} ms beside`);
    // windows of the raw ones may have grown while the kernel's buffers took everything
    const most = (STALLED - RAW) * FIRST_WINDOW_BYTES + RAW * MIB + MIB;
    assert.ok(queued > 0 && queued <= most, `${queued} bytes queued`);
    for (const mib of grown) assert.ok(mib <= 2 * STALLED * STREAM_MIB, `grown by ${mib} MiB`);
  } finally {
    for (const caller of raw) caller.leave();
    http2Caller.close();
  }
  await rig.settled();
  await waitFor('the target to lose its callers', () => rig.target.connections <= 2);
});

test('what stopped readers cost is free again: a second hundred finds room in the memory of the first', async (t) => {
  const before = rig.pids.map(residentMib);
  for (let round = 0; round < 3; round++) {
    const caller = await Http2Caller.connect(rig.identity);
    for (let i = 0; i < STALLED; i++) caller.open('/huge').pause();
    await waitFor('windows to fill', async () => {
      const [queued = 0] = await rig.metrics('fairlead_queued_bytes');
      return queued > STALLED * 128 * 1024;
    });
    caller.close();
    await rig.settled();
  }
  const grown = rig.pids.map((pid, i) => residentMib(pid) - (before[i] ?? 0));
  t.diagnostic(
    `grown over three rounds: ${grown.map(oneDecimal).join(' MiB (controller), ')} MiB (agent)`,
  );
  for (const mib of grown) assert.ok(mib < STALLED * STREAM_MIB, `grown by ${mib} MiB`);
});

test('what stopped readers cost is collected when the processes fall idle', async (t) => {
  const external = () => rig.metrics('nodejs_external_memory_bytes');
  const caller = await Http2Caller.connect(rig.identity);
  for (let i = 0; i < STALLED; i++) caller.open('/huge').pause();
  await waitFor('windows to fill', async () => {
    const [queued = 0] = await rig.metrics('fairlead_queued_bytes');
    return queued > STALLED * 128 * 1024;
  });
  const held = await external();
  caller.close();
  await rig.settled();
  // nobody asks for anything meanwhile, so that nothing but idleness makes V8 collect
  await waitFor('the buffers to be gone', async () => {
    await delay(4000);
    return (await external()).every((bytes) => bytes < IDLE_EXTERNAL_BYTES);
  });
  const mib = (values: number[]): string =>
    values.map((bytes) => oneDecimal(bytes / MIB)).join(', ');
  t.diagnostic(`MiB outside the heap: ${mib(held)} held, ${mib(await external())} idle`);
  for (const bytes of held) assert.ok(bytes > IDLE_EXTERNAL_BYTES, `${bytes} bytes held`);
});

/** What is used in the heap and outside, by process, MiB. */
async function usedMib(): Promise<number[]> {
  const heap = await rig.metrics('nodejs_heap_size_used_bytes');
  const external = await rig.metrics('nodejs_external_memory_bytes');
  return heap.map((bytes, i) => (bytes + (external[i] ?? 0)) / MIB);
}
