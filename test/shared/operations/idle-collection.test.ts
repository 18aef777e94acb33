/** What a process gives back when it falls idle, by which kind of collection, and what under load. */
import assert from 'node:assert/strict';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { after, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { letYoungGenerationGrow } from '../../../shared/operations/heap-settings.js';
import { collectWhenIdle, collector } from '../../../shared/operations/idle-collection.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { waitFor } from '../../harness/wait-for.js';

const MIB = 1024 ** 2;
const LOOK_MS = 2000;
/** How long what only the heap has grown by is left alone. */
const LONG_IDLE_MS = 60_000;
/** What may be left, and what is never enough for it. */
const LEFT_MIB = 8;
const LOAD_MIB = 24;
/** Worth a pause. */
const MUCH_MIB = 72;
/** So little that V8 sees no need of its own. */
const FEW_MIB = 12;

const { NODE_PERFORMANCE_GC_MINOR: MINOR, NODE_PERFORMANCE_GC_MAJOR: MAJOR } = constants;

/** A type that @types/node does not have yet. */
type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

// V8 must not come first with a collection of its own: its heap may grow as in our processes, and it sees no idleness
letYoungGenerationGrow();
setFlagsFromString('--no-memory-reducer');
const gc = collector();

/** In use all the time: beside it what the tests leave is too little for V8 to begin by itself. */
const inUse = heapArrays(FEW_MIB);

const externalMib = (): number => process.memoryUsage().external / MIB;
const heapMib = (): number => process.memoryUsage().heapUsed / MIB;

describe('an idle process', () => {
  let clock: FakeClock;
  let held: number;
  let idleMib: number;
  let looked: [fromMs: number, toMs: number][];

  after(() => assert.ok(inUse.length > 0));

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

  /** Looks until the process is found idle and what it has used is gone: soon, not after a minute. */
  async function untilGone(usedMib = externalMib, before = idleMib): Promise<void> {
    for (let look = 0; look < LONG_IDLE_MS / LOOK_MS / 2; look++) {
      await idleLook();
      if (usedMib() < before + LEFT_MIB) return;
    }
    assert.fail(`${usedMib()} MiB are left, ${before} before`);
  }

  /** The first of them sees the work before it. */
  async function looks(): Promise<void> {
    for (let look = 0; look < 3; look++) await idleLook();
  }

  async function idleLook(): Promise<void> {
    await idleFor(LOOK_MS);
  }

  async function busyLook(): Promise<void> {
    beBusy();
    await idleLook();
  }

  /** Ends in one look, however long. */
  async function idleFor(ms: number): Promise<void> {
    await delay(100);
    const from = performance.now();
    clock.jump(ms);
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

  it('collects what is old where that is not enough', async () => {
    load(LOAD_MIB);
    assert.ok(externalMib() > idleMib + LEFT_MIB, `${externalMib()} MiB`);
    await untilGone();
  });

  it('leaves what is old in the heap for a minute, as the next burst of load needs the code', async () => {
    const idleHeapMib = heapMib();
    const assertLeft = (): void =>
      assert.ok(heapMib() > idleHeapMib + LEFT_MIB, `${heapMib()} MiB`);
    // a second time, too: the minute counts from the last collection
    for (let time = 0; time < 2; time++) {
      loadHeap(FEW_MIB);
      await looks();
      assertLeft();
      await idleFor(LONG_IDLE_MS - 5 * LOOK_MS);
      assertLeft();
      await untilGone(heapMib, idleHeapMib);
    }
  });

  it('counts the minute from the last load', async () => {
    const idleHeapMib = heapMib();
    loadHeap(FEW_MIB);
    await idleFor(LONG_IDLE_MS - 2 * LOOK_MS);
    beBusy();
    await looks(); // the loop was busy for half of what the first of them sees
    assert.ok(heapMib() > idleHeapMib + LEFT_MIB, `${heapMib()} MiB`);
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

  it('gives back under load, too, what is worth a pause, and nothing less', async () => {
    for (const mib of [LOAD_MIB, MUCH_MIB]) {
      const buffers = load(mib);
      held = mib * MIB;
      await busyLook();
      buffers.length = 0;
      held = MIB;
      const before = externalMib();
      await busyLook();
      if (mib === MUCH_MIB) assert.ok(externalMib() < idleMib + LEFT_MIB, `${externalMib()} MiB`);
      else assert.ok(externalMib() > before - LEFT_MIB, `${externalMib()} MiB, ${before} before`);
    }
  });

  it('is not paused under load for what V8 has collected itself', async () => {
    held = MUCH_MIB * MIB;
    await busyLook();
    held = 0;
    loadHeap(FEW_MIB);
    const before = heapMib();
    await busyLook();
    assert.ok(heapMib() > before - LEFT_MIB, `${heapMib()} MiB, ${before} before`);
  });

  it('gives back what was on its way when it was last measured, though little of it was held', async () => {
    const buffers = load(LOAD_MIB);
    held = MIB;
    await looks();
    buffers.length = 0;
    held = 0;
    await untilGone();
  });

  it('lets nothing pile up of loads that each leave somewhat of old and of young', async () => {
    // in all less than V8 would collect by itself
    for (let burst = 0; burst < 4; burst++) {
      load(LEFT_MIB - 2);
      for (let i = 0; i < LEFT_MIB - 2; i++) Buffer.alloc(MIB);
      await looks();
    }
    const most = idleMib + 2 * LEFT_MIB;
    assert.ok(externalMib() < most, `${externalMib()} MiB, ${idleMib} before`);
  });
});

function beBusy(): void {
  const end = performance.now() + 100;
  while (performance.now() < end);
}

/** Buffers that have outlived two collections of the young generation. */
function load(mib: number): Buffer[] {
  const buffers = Array.from({ length: mib }, () => Buffer.alloc(MIB));
  for (let i = 0; i < 2; i++) gc({ type: 'minor' });
  return buffers;
}

/** The same in the heap, and nobody has them any more. */
function loadHeap(mib: number): void {
  const arrays = heapArrays(mib);
  for (let i = 0; i < 2; i++) gc({ type: 'minor' });
  arrays.length = 0;
}

function heapArrays(mib: number): number[][] {
  return Array.from({ length: mib * 32 }, (_, i) => new Array<number>(4096).fill(i + 0.5));
}
