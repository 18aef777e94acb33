/** Waits between attempts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Backoff } from '../../shared/backoff.js';

describe('a backoff', () => {
  it('starts at the shortest wait and grows to the longest', () => {
    const backoff = new Backoff({ minMs: 500, maxMs: 10_000, random: () => 0.999999 });
    const waits = Array.from({ length: 12 }, () => Math.round(backoff.nextMs()));
    assert.deepEqual(waits.slice(0, 4), [500, 800, 1280, 2048]);
    assert.equal(waits.at(-1), 10_000);
    assert.ok(waits.every((wait, i) => i === 0 || wait >= (waits[i - 1] ?? 0)));
  });

  it('spreads each wait over the upper half of its range', () => {
    const shortest = new Backoff({ minMs: 500, maxMs: 10_000, random: () => 0 });
    assert.deepEqual([shortest.nextMs(), shortest.nextMs()], [250, 400]);
    let draw = 0;
    const drawn = new Backoff({ minMs: 100, maxMs: 100, random: () => draw });
    for (draw of [0, 0.25, 0.5, 0.75]) assert.equal(drawn.nextMs(), 50 + draw * 50);
  });

  it('starts anew after a success', () => {
    const backoff = new Backoff({ minMs: 500, maxMs: 10_000, random: () => 0 });
    for (let i = 0; i < 10; i++) backoff.nextMs();
    backoff.reset();
    assert.equal(backoff.nextMs(), 250);
  });

  it('never waits longer than allowed, even when both bounds are one', () => {
    const backoff = new Backoff({ minMs: 10, maxMs: 10, random: () => 0.9 });
    for (let i = 0; i < 5; i++) assert.ok(backoff.nextMs() <= 10);
  });
});
