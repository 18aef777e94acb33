/**
 * Callers that stopped reading, over HTTP/1.1 and HTTP/2: each costs its window and no more, others go on
 * as before, and when they leave nothing of it stays.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { latencies, percentile } from '../harness/latency.js';
import { oneDecimal, residentMib } from '../harness/process-memory.js';
import { heldBack, writeBody } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const STALLED = 100;
/** Few over HTTP/1.1: each of those fills 7 MB of kernel buffers before it stalls. */
const RAW = 20;
const FIRST_WINDOW_BYTES = 256 * 1024;
/** Per stalled stream and process, MiB: the 256 KiB window, its TLS records, and the stream itself. */
const STREAM_MIB = 0.5;

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

test('100 callers that stopped reading (20 h1, 80 h2) cost at most 0.5 MiB each and delay nobody', async (t) => {
  await rig.warmUp();
  const quiet = await latencies(rig, 300);
  const idleMib = rig.pids.map(residentMib);

  const raw: RawCaller[] = [];
  const http2Caller = await Http2Caller.connect(rig.identity);
  try {
    for (let i = 0; i < STALLED; i++) {
      if (i >= RAW) http2Caller.open('/huge').pause();
      else raw.push(await RawCaller.ask(rig.identity, { path: '/huge', isStopped: true }));
    }
    await heldBack(() => written);
    assert.deepEqual(await rig.metrics('fairlead_streams_open'), [STALLED, STALLED]);
    const [queued = 0] = await rig.metrics('fairlead_queued_bytes');
    const busy = await latencies(rig, 300);

    const grown = rig.pids.map((pid, i) => residentMib(pid) - (idleMib[i] ?? 0));
    const each = grown.map((mib) => mib / STALLED);
    t.diagnostic(
      `queued in the controller: ${oneDecimal(queued / MIB)} MiB; target wrote ${oneDecimal(written / MIB)} MiB`,
    );
    t.diagnostic(
      `MiB per stalled stream: ${each.map((mib) => mib.toFixed(2)).join(' (controller), ')} (agent)`,
    );
    t.diagnostic(
      `p99 of others ${oneDecimal(percentile(quiet, 99))} ms before, ${oneDecimal(percentile(busy, 99))} ms beside`,
    );
    // windows of the raw ones may have grown while the kernel's buffers took everything
    const most = (STALLED - RAW) * FIRST_WINDOW_BYTES + RAW * MIB + MIB;
    assert.ok(queued > 0 && queued <= most, `${queued} bytes queued`);
    for (const mib of each) assert.ok(mib <= STREAM_MIB, `${mib} MiB per stalled stream`);
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
