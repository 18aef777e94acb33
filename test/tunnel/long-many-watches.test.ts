/**
 * Very many quiet watches of one service at once: more than an apiserver allows on one HTTP/2 connection,
 * each cheap while nothing happens, each with its event when it does.
 */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { residentMib } from '../harness/process-memory.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

/** Streams per connection of a caller; the listener allows 250. */
const PER_CONNECTION = 200;
const KIB = 1024;

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start();
  await rig.warmUp();
});
after(async () => rig.stop());

for (const watches of [300, 2000]) {
  test(`${watches} watches of one service are open at once and each gets its event`, async (t) => {
    const responses: ServerResponse[] = [];
    rig.target.on.set('/watch', ({ response }) => {
      responses.push(response);
      response.flushHeaders();
    });
    const before = rig.pids.map(residentMib);
    const callers: Http2Caller[] = [];
    const events = new Map<number, string>();
    let heads = 0;
    for (let i = 0; i < watches; i++) {
      if (i % PER_CONNECTION === 0) callers.push(await Http2Caller.connect(rig.identity));
      const stream = callers.at(-1)?.open('/watch?watch=true');
      stream?.on('response', (headers) => {
        if (headers[':status'] === 200) heads++;
      });
      stream?.on('data', (bytes: Buffer) => {
        events.set(i, (events.get(i) ?? '') + bytes.toString());
      });
      // not more under way than a listen queue takes
      if (i % 50 === 49) await waitFor('heads', () => heads === i + 1, 30_000);
    }
    await waitFor('all heads', () => heads === watches);
    assert.deepEqual(await rig.metrics('fairlead_streams_open'), [watches, watches]);
    const each = rig.pids.map((pid, i) => ((residentMib(pid) - (before[i] ?? 0)) * KIB) / watches);

    const start = performance.now();
    for (const response of responses) response.write('event\n');
    await waitFor('all events', () => events.size === watches, 30_000);
    const ms = performance.now() - start;
    assert.ok([...events.values()].every((text) => text === 'event\n'));
    t.diagnostic(
      `KiB per watch: ${each.map((kib) => kib.toFixed(1)).join(' (controller), ')} (agent); an event to all in ${ms.toFixed(0)} ms`,
    );
    for (const kib of each) assert.ok(kib < 64, `${kib} KiB per watch`);

    for (const caller of callers) caller.close();
    await rig.settled(30_000);
    await waitFor('the target to lose its watchers', () => rig.target.connections === 0, 30_000);
  });
}
