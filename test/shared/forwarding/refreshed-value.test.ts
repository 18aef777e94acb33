import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RefreshedValue } from '../../../shared/forwarding/refreshed-value.js';
import type { Fetched } from '../../../shared/forwarding/refreshed-value.js';
import { HandDrivenClock } from './hand-driven-clock.js';

/** A value whose fetches a test answers by hand or by a list. */
function rig(maxAgeMs: number) {
  const clock = new HandDrivenClock();
  const counts = {
    fetches: 0,
    failures: 0,
    answer: (): Promise<Fetched<string>> => Promise.resolve({ value: `v${counts.fetches}` }),
  };
  const fetch = () => {
    counts.fetches++;
    return counts.answer();
  };
  const value = new RefreshedValue<string>(fetch, {
    clock,
    maxAgeMs,
    onFailure: () => counts.failures++,
  });
  return Object.assign(counts, { clock, value });
}

describe('RefreshedValue', () => {
  it('fetches once for all who wait, then answers at once', async () => {
    const r = rig(1_000);
    const [one, other] = [r.value.current(), r.value.current()];
    assert.ok(one instanceof Promise);
    assert.deepEqual([await one, await other], ['v1', 'v1']);
    assert.equal(r.value.current(), 'v1');
    assert.equal(r.fetches, 1);
  });

  it('looks again when the value is old, and not before', async () => {
    const r = rig(10_000);
    await r.value.current();
    r.clock.advance(9_999);
    assert.equal(r.value.current(), 'v1');
    r.clock.advance(1);
    assert.equal(await r.value.current(), 'v2');
    assert.equal(r.fetches, 2);
  });

  it('looks again after a refusal, once', async () => {
    const r = rig(Infinity);
    await r.value.current();
    r.clock.advance(5_000);
    r.value.refused();
    r.value.refused();
    const [one, other] = [r.value.current(), r.value.current()];
    assert.deepEqual([await one, await other], ['v2', 'v2']);
    assert.equal(r.value.current(), 'v2');
    assert.equal(r.fetches, 2);
  });

  it('ignores the refusal of a value that is too young to have been sent', async () => {
    const r = rig(Infinity);
    await r.value.current();
    r.clock.advance(999);
    r.value.refused();
    assert.equal(r.value.current(), 'v1');
  });

  it('renews a minute before expiry, or at half of a short life', async () => {
    const r = rig(Infinity);
    r.answer = () =>
      Promise.resolve({ value: `v${r.fetches}`, expiresAt: r.clock.now() + 600_000 });
    await r.value.current();
    r.clock.advance(539_999);
    assert.equal(r.value.current(), 'v1');
    r.clock.advance(1);
    r.answer = () => Promise.resolve({ value: `v${r.fetches}`, expiresAt: r.clock.now() + 20_000 });
    assert.equal(await r.value.current(), 'v2');
    r.clock.advance(9_999);
    assert.equal(r.value.current(), 'v2');
    r.clock.advance(1);
    assert.equal(await r.value.current(), 'v3');
  });

  it('keeps the old value when fetching fails, says so once, and tries again 10 s later', async () => {
    const r = rig(20_000);
    await r.value.current();
    r.answer = () => Promise.reject(new Error('down'));
    r.clock.advance(20_000);
    assert.equal(await r.value.current(), 'v1');
    r.clock.advance(9_999);
    assert.equal(r.value.current(), 'v1');
    assert.equal(r.fetches, 2);
    r.clock.advance(1);
    assert.equal(await r.value.current(), 'v1');
    assert.equal(r.fetches, 3);
    assert.equal(r.failures, 1);
    r.answer = () => Promise.resolve({ value: 'new' });
    r.clock.advance(10_000);
    assert.equal(await r.value.current(), 'new');
  });

  it('rejects when there is no value, and does not fetch again within a second', async () => {
    const r = rig(1_000);
    r.answer = () => Promise.reject(new Error('down'));
    await assert.rejects(async () => r.value.current(), /down/);
    await assert.rejects(async () => r.value.current(), /down/);
    assert.equal(r.fetches, 1);
    assert.equal(r.failures, 0);
    r.clock.advance(1_000);
    r.answer = () => Promise.resolve({ value: 'up' });
    assert.equal(await r.value.current(), 'up');
  });

  it('rejects rather than hand out an expired value', async () => {
    const r = rig(Infinity);
    r.answer = () => Promise.resolve({ value: 'v', expiresAt: r.clock.now() + 60_000 });
    await r.value.current();
    r.answer = () => Promise.reject(new Error('down'));
    r.clock.advance(60_000);
    await assert.rejects(async () => r.value.current(), /down/);
  });

  it('lets a slow fetch delay requests by a second at most while the old value is good', async () => {
    const r = rig(1_000);
    await r.value.current();
    let finish: (fetched: Fetched<string>) => void = () => undefined;
    r.answer = () => new Promise((resolve) => (finish = resolve));
    r.clock.advance(1_000);
    const waiting = r.value.current();
    r.clock.advance(1_000);
    assert.equal(await waiting, 'v1');
    finish({ value: 'late' });
    await new Promise(setImmediate);
    assert.equal(r.value.current(), 'late');
    assert.equal(r.clock.timerCount, 0);
  });
});
