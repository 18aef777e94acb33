import assert from 'node:assert/strict';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { collectWhenIdle } from '../../../shared/operations/idle-collection.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { waitFor } from '../../harness/wait-for.js';

const MIB = 1024 ** 2;
const LOOK_MS = 2000;

/** A type that @types/node does not have yet. */
type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

const externalMib = (): number => process.memoryUsage().external / MIB;

test('an idle process gives buffers back, and counts as used what is left once they are gone', async (t) => {
  const clock = new FakeClock();
  let held = 0;
  const collection = collectWhenIdle(clock, () => held);
  t.after(() => collection.cancel());
  const beforeMib = externalMib();
  for (let load = 0; load < 3; load++) {
    const buffers = Array.from({ length: 64 }, () => Buffer.alloc(MIB));
    held = buffers.length * MIB;
    clock.advance(LOOK_MS);
    assert.ok(externalMib() > beforeMib + 60, `${externalMib()} MiB while they are held`);
    buffers.length = 0;
    held = 0;
    const look = async (): Promise<boolean> => {
      await delay(100);
      clock.advance(LOOK_MS);
      return externalMib() < beforeMib + 8;
    };
    await waitFor(`an idle look to find the buffers of load ${load} gone`, look, 5000);
  }
});

test('what is young is collected alone, as a full collection would throw compiled code away', async (t) => {
  const kinds: unknown[] = [];
  const observer = new PerformanceObserver((list) =>
    kinds.push(...list.getEntries().map((entry) => (entry as GcEntry).detail.kind)),
  );
  observer.observe({ entryTypes: ['gc'] });
  const clock = new FakeClock();
  const collection = collectWhenIdle(clock, () => 0);
  t.after(() => {
    observer.disconnect();
    collection.cancel();
  });
  const beforeMib = externalMib();
  for (let i = 0; i < 20; i++) Buffer.alloc(MIB);
  assert.ok(externalMib() > beforeMib + 16, `${externalMib()} MiB`);
  const look = async (): Promise<boolean> => {
    await delay(100);
    clock.advance(LOOK_MS);
    return externalMib() < beforeMib + 8;
  };
  await waitFor('an idle look', look, 5000);
  await delay(0); // what has been observed comes a turn later
  assert.ok(kinds.includes(constants.NODE_PERFORMANCE_GC_MINOR), String(kinds));
  assert.ok(!kinds.includes(constants.NODE_PERFORMANCE_GC_MAJOR), String(kinds));
});
