/**
 * Gives memory back after a load. V8 collects while a process allocates, so one that falls idle would keep
 * for ever what the load has left: buffers of callers that went away above all. Started by the entry files.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock, Timer } from '../clock.js';

/** Between two looks. */
const LOOK_MS = 2000;
/** Share of the time between two looks that an idle process works. */
const IDLE_SHARE = 0.1;
/**
 * A full collection costs the next requests half as much again (collectYoung), so what only the heap has grown by waits
 * until the load is over for good: clouddriver's comes in bursts, every 30 s.
 */
const LONG_IDLE_MS = 60_000;
/** Bytes that are worth a collection: used more than after the last one, or held then and no longer. */
const WORTH_BYTES = 8 * 1024 * 1024;
/** So much held and no longer is worth one under load, too: V8's own may be minutes away, and it takes as long. */
const WORTH_UNDER_LOAD_BYTES = 64 * 1024 * 1024;
/** Growth has to be so large, too, as a full collection takes the longer the more is used. */
const WORTH_SHARE = 0.25;

/** Watches the process, under load for what is too much to wait; `heldBytes` are those that somebody waits for now. */
export function collectWhenIdle(clock: Clock, heldBytes: () => number): Timer {
  let gc: Collector | undefined;
  let { used: leastUsed, buffers: leastBuffersAfterAll } = memoryBytes();
  // what young collections leave behind must not become the measure of growth
  let leastUsedAfterAll = leastUsed;
  let mostHeld = heldBytes();
  // bytes on their way to a peer are in use then, too, and nothing tells when they no longer are
  let wasMeasuredUnderLoad = false;
  let lastLook = performance.eventLoopUtilization();
  let idleSinceMs = clock.monotonicMs();
  const collectEverything = (held: number, isUnderLoad: boolean): void => {
    collectAll((gc ??= collector()));
    const { used, buffers } = memoryBytes();
    leastUsed = leastUsedAfterAll = used;
    leastBuffersAfterAll = buffers;
    mostHeld = held;
    wasMeasuredUnderLoad = isUnderLoad;
    idleSinceMs = clock.monotonicMs();
  };
  return clock.every(LOOK_MS, () => {
    const { utilization } = performance.eventLoopUtilization(lastLook);
    lastLook = performance.eventLoopUtilization();
    const { used, buffers } = memoryBytes();
    const [held, nowMs] = [heldBytes(), clock.monotonicMs()];
    leastUsed = Math.min(leastUsed, used);
    leastUsedAfterAll = Math.min(leastUsedAfterAll, used);
    leastBuffersAfterAll = Math.min(leastBuffersAfterAll, buffers);
    mostHeld = Math.max(mostHeld, held);
    if (utilization > IDLE_SHARE) {
      idleSinceMs = nowMs;
      // what V8 has collected meanwhile is no buffer any more
      const letGo = Math.min(mostHeld, buffers) - held;
      if (letGo > WORTH_UNDER_LOAD_BYTES) collectEverything(held, true);
      return;
    }
    const isLetGo = mostHeld - held > WORTH_BYTES || (wasMeasuredUnderLoad && held === 0);
    const isLongIdle = nowMs - idleSinceMs >= LONG_IDLE_MS;
    const isLeftOver = (): boolean => isLongIdle && isGrown(leastUsed, leastUsedAfterAll);
    if (!isLetGo && !isGrown(used, leastUsed) && !isLeftOver()) return;
    gc ??= collector();
    collectYoung(gc);
    const afterYoung = memoryBytes();
    leastUsed = afterYoung.used;
    if (!isLetGo && !isGrown(afterYoung.buffers, leastBuffersAfterAll) && !isLeftOver()) return;
    collectEverything(held, held > 0);
  });
}

/** `used`: of the heap, and of buffers outside it; `buffers`: of those alone. */
function memoryBytes(): { readonly used: number; readonly buffers: number } {
  const { heapUsed, external } = process.memoryUsage();
  return { used: heapUsed + external, buffers: external };
}

function isGrown(used: number, before: number): boolean {
  return used - before > Math.max(WORTH_BYTES, before * WORTH_SHARE);
}

/** Collects everything, or what is young. */
export type Collector = (options?: { type: 'minor' }) => void;

/** V8's own collector, which Node hands out by a flag only, in a context made meanwhile. */
export function collector(): Collector {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collector;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

/**
 * What small requests leave is young. A full collection would also take the shapes of all objects that are in
 * use under load only, and with them the code compiled for them: the next requests would cost half as much again.
 */
function collectYoung(gc: Collector): void {
  gc({ type: 'minor' });
  awaitFreedBuffers(gc);
}

function collectAll(gc: Collector): void {
  gc();
  awaitFreedBuffers(gc);
}

/**
 * Buffers outside the heap are let go by a thread of V8's, and count as used until a further collection has
 * waited for it. What is measured next would be taken for what is in use.
 */
function awaitFreedBuffers(gc: Collector): void {
  gc({ type: 'minor' });
}
