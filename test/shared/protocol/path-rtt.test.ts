/** How long the shortest round trip counts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PathRtt } from '../../../shared/protocol/path-rtt.js';

const MINUTE_MS = 60_000;

describe('the round-trip time of a path', () => {
  it('is unknown at first, then the least so far', () => {
    const rtt = new PathRtt();
    assert.equal(rtt.ms, undefined);
    for (const [sample, least] of [
      [80, 80],
      [20, 20],
      [50, 20],
    ] as const) {
      rtt.add(sample, 1000);
      assert.equal(rtt.ms, least);
    }
  });

  it('is kept for ten minutes at the least, by a process whose clock began long ago, too', () => {
    const rtt = new PathRtt();
    const startMs = 1e9;
    rtt.add(90, startMs);
    rtt.add(20, startMs + 9 * MINUTE_MS);
    for (let minute = 10; minute < 20; minute++) rtt.add(90, startMs + minute * MINUTE_MS);
    assert.equal(rtt.ms, 20);
  });

  it('is forgotten after twenty minutes: the path may have become longer', () => {
    const rtt = new PathRtt();
    rtt.add(20, 0);
    for (let minute = 1; minute <= 20; minute++) rtt.add(90, minute * MINUTE_MS);
    assert.equal(rtt.ms, 90);
  });
});
