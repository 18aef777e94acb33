/**
 * How long small requests take: for tests that show that somebody else's trouble does not slow them.
 */
import assert from 'node:assert/strict';
import type { ServiceRig } from './service-rig.js';
import { Http2Caller, http2Status } from './slow-caller.js';

/** Asks `/ok` over one HTTP/2 connection, one after another; ms of each. Fails when one fails. */
export async function latencies(rig: ServiceRig, count: number): Promise<number[]> {
  const caller = await Http2Caller.connect(rig.identity);
  const times: number[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      const stream = caller.open('/ok');
      const ended = new Promise((resolve) => stream.once('close', resolve));
      assert.equal(await http2Status(stream), 200);
      stream.resume();
      await ended;
      assert.equal(stream.rstCode, 0);
      times.push(performance.now() - start);
    }
  } finally {
    caller.close();
  }
  return times;
}

/** The value below which `percent` of the values lie. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0;
}
