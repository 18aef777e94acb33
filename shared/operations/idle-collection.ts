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
/** Bytes that are worth a collection: used more than after the last one, or held then and no longer. */
const WORTH_BYTES = 8 * 1024 * 1024;
/** Growth has to be so large, too, as a collection takes the longer the more is used. */
const WORTH_SHARE = 0.25;

/** Watches the process; `heldBytes` are the bytes that wait for somebody at this moment. */
export function collectWhenIdle(clock: Clock, heldBytes: () => number): Timer {
  let leastUsed = usedBytes();
  let mostHeld = heldBytes();
  let lastLook = performance.eventLoopUtilization();
  const isGrown = (used: number): boolean =>
    used - leastUsed > Math.max(WORTH_BYTES, leastUsed * WORTH_SHARE);
  return clock.every(LOOK_MS, () => {
    const { utilization } = performance.eventLoopUtilization(lastLook);
    lastLook = performance.eventLoopUtilization();
    const [used, held] = [usedBytes(), heldBytes()];
    leastUsed = Math.min(leastUsed, used);
    mostHeld = Math.max(mostHeld, held);
    const isLetGo = mostHeld - held > WORTH_BYTES;
    if (utilization > IDLE_SHARE || !(isGrown(used) || isLetGo)) return;
    const gc = collector();
    collectYoung(gc);
    if (isLetGo || isGrown(usedBytes())) collectAll(gc);
    leastUsed = usedBytes();
    mostHeld = held;
  });
}

/** Of the heap, and of buffers outside it. */
function usedBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

type Collector = (options?: { type: 'minor' }) => void;

/** V8's own collector, which Node hands out by a flag only; the context that has it goes with the rest. */
function collector(): Collector {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collector;
  setFlagsFromString('--no-expose-gc');
  return gc;
}

/**
 * What small requests leave is young. A full collection would also take the shapes of all objects that are in
 * use under load only, and with them the code compiled for them: the next requests would cost twice as much.
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
