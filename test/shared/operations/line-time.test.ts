import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lineTime } from '../../../shared/operations/line-time.js';

describe('the time of a log line', () => {
  it('is that of Date at any moment, forwards and backwards', () => {
    const moment = fc.integer({ min: 0, max: 4_102_444_800_000 });
    fc.assert(
      fc.property(moment, fc.integer({ min: -2000, max: 2000 }), (at, later) => {
        for (const ms of [at, Math.max(0, at + later)]) {
          assert.equal(lineTime(ms), `,"time":"${new Date(ms).toISOString()}"`);
        }
      }),
    );
  });

  it('is now by default', () => {
    const before = Date.now();
    const time = Date.parse(/"time":"(.*)"/.exec(lineTime())?.[1] ?? '');
    assert.ok(time >= before && time <= Date.now());
  });
});
