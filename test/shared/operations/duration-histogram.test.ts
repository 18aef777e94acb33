import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DurationHistogram } from '../../../shared/operations/duration-histogram.js';

describe('a duration histogram', () => {
  it('has cumulative buckets whose upper ends are inclusive, a sum and a count', () => {
    const histogram = new DurationHistogram('d_seconds', 'Durations.');
    const durations = histogram.of('jenkins');
    for (const ms of [0, 5, 5.1, 300_000, 300_001]) durations.add(ms);
    const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, '+Inf'];
    const counts = [2, ...Array<number>(12).fill(3), 4, 5];
    assert.deepEqual(histogram.text().split('\n'), [
      '# HELP d_seconds Durations.',
      '# TYPE d_seconds histogram',
      ...bounds.map((le, i) => `d_seconds_bucket{type="jenkins",le="${le}"} ${counts[i] ?? NaN}`),
      `d_seconds_sum{type="jenkins"} ${0.005 + 0.0051 + 300 + 300.001}`,
      'd_seconds_count{type="jenkins"} 5',
      '',
    ]);
  });

  it('keeps types apart, shows used ones only, and escapes their names', () => {
    const histogram = new DurationHistogram('d', 'D.');
    histogram.of('unused');
    histogram.of('a"\\\n').add(1);
    histogram.of('a"\\\n').add(1);
    histogram.of('b').add(1);
    const counts = histogram.text().match(/^d_count.*$/gm);
    assert.deepEqual(counts, ['d_count{type="a\\"\\\\\\n"} 2', 'd_count{type="b"} 1']);
  });
});
