/** What an idle process gives back, and by which kind of collection. */
import assert from 'node:assert/strict';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { letYoungGenerationGrow } from '../../../shared/operations/heap-settings.js';
import { collectWhenIdle, collector } from '../../../shared/operations/idle-collection.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { waitFor } from '../../harness/wait-for.js';

const MIB = 1024 ** 2;
const LOOK_MS = 2000;
const LONG_IDLE_MS = 60_000;
/** What may be left, and what is never enough for it. */
const LEFT_MIB = 8;
const LOAD_MIB = 24;
/** So little that V8 sees no need of its own. */
const FEW_MIB = 12;

const { NODE_PERFORMANCE_GC_MINOR: MINOR, NODE_PERFORMANCE_GC_MAJOR: MAJOR } = constants;

/** A type that @types/node does not have yet. */
type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

// V8 must not come first with a collection of its own: its heap may grow as in our processes, and it sees no idleness
letYoungGenerationGrow();
setFlagsFromString('--no-memory-reducer');
const gc = collector();

const externalMib = (): number => process.memoryUsage().external / MIB;

describe('an idle process', () => {
  let clock: FakeClock;
  let held: number;
  let idleMib: number;
  let looked: [fromMs: number, toMs: number][];

  beforeEach((t) => {
    gc();
    gc({ type: 'minor' });
    clock = new FakeClock();
    held = 0;
    looked = [];
    idleMib = externalMib();
    const collection = collectWhenIdle(clock, () => held);
    t.signal.addEventListener('abort', () => collection.cancel());
  });

  /** Looks until the process is found idle, and what it has used is gone. */
  async function untilGone(): Promise<void> {
    const look = async (): Promise<boolean> => {
      await idleLook();
      return externalMib() < idleMib + LEFT_MIB;
    };
    await waitFor('an idle look to find the buffers gone', look, 10_000);
  }

  /** The first of them sees the work before it. */
  async function looks(): Promise<void> {
    for (let look = 0; look < 3; look++) await idleLook();
  }

  async function idleLook(): Promise<void> {
    await delay(100);
    const from = performance.now();
    clock.advance(LOOK_MS);
    looked.push([from, performance.now()]);
  }

  function wasInLook({ startTime }: GcEntry): boolean {
    return looked.some(([from, to]) => startTime >= from && startTime <= to);
  }

  it('collects what is young alone, as a full collection would throw compiled code away', async (t) => {
    const collections: GcEntry[] = [];
    const observer = new PerformanceObserver((list) =>
      collections.push(...(list.getEntries() as GcEntry[])),
    );
    observer.observe({ entryTypes: ['gc'] });
    t.after(() => observer.disconnect());
    for (let i = 0; i < FEW_MIB; i++) Buffer.alloc(MIB);
    assert.ok(externalMib() > idleMib + LEFT_MIB, `${externalMib()} MiB`);
    await untilGone();
    // V8 collects of its own accord, too: what counts is what happened during a look
    const kinds = (): number[] => collections.filter(wasInLook).map(({ detail: { kind } }) => kind);
    await waitFor('the collection to be observed', () => kinds().includes(MINOR));
    assert.ok(!kinds().includes(MAJOR), String(kinds()));
  });

  it('leaves what is old for a minute, as the next burst of load needs the code', async () => {
    load(FEW_MIB);
    for (let idleMs = 0; idleMs < LONG_IDLE_MS; idleMs += LOOK_MS) {
      assert.ok(externalMib() > idleMib + LEFT_MIB, `${externalMib()} MiB after ${idleMs} ms`);
      await idleLook();
    }
    await untilGone();
  });

  it('counts the minute from the last load', async () => {
    load(FEW_MIB);
    for (const looksBefore of [LONG_IDLE_MS / LOOK_MS - 1, 3]) {
      for (let look = 0; look < looksBefore; look++) await idleLook();
      const end = performance.now() + 100;
      while (performance.now() < end);
      await idleLook(); // the loop was busy for half of what this one sees
    }
    assert.ok(externalMib() > idleMib + LEFT_MIB, `${externalMib()} MiB`);
    await untilGone();
  });

  it('gives back what was held for somebody, however long', async () => {
    for (let round = 0; round < 3; round++) {
      const buffers = load(LOAD_MIB);
      held = LOAD_MIB * MIB;
      await looks(); // by now it counts as what is in use
      assert.ok(externalMib() > idleMib + LOAD_MIB - 1, `${externalMib()} MiB while they are held`);
      buffers.length = 0;
      held = 0;
      await untilGone();
    }
  });

  it('gives back what was on its way when it was last measured, though little of it was held', async () => {
    const buffers = load(LOAD_MIB);
    held = MIB;
    await looks();
    buffers.length = 0;
    held = 0;
    await untilGone();
  });

  it('lets nothing stay of loads that each leave somewhat of old and of young', async () => {
    // in all less than V8 would collect by itself
    for (let burst = 0; burst < 4; burst++) {
      load(LEFT_MIB - 2);
      for (let i = 0; i < LEFT_MIB - 2; i++) Buffer.alloc(MIB);
      await looks();
    }
    await untilGone();
  });
});

/** Buffers that have outlived two collections of the young generation. */
function load(mib: number): Buffer[] {
  const buffers = Array.from({ length: mib }, () => Buffer.alloc(MIB));
  for (let i = 0; i < 2; i++) gc({ type: 'minor' });
  return buffers;
}
