/**
 * How V8 keeps house in our processes. Importing this file sets it; fairlead.ts does so before anything else.
 *
 * - While a process loads its code, nearly all of it survives, for which V8 doubles the young generation up
 *   to 32 MiB, and an idle process never gives them back. So that stays as it is until the code is loaded.
 * - Bodies pass through in buffers outside the heap, which V8 counts as growth of the old generation: with
 *   a heap as small as ours it would mark it all after every 7 MiB, for two thirds of the CPU time of a
 *   download. It may grow to three times what lives instead: more than the 32 MiB of buffers after which V8
 *   looks through the young generation, which gives them back for a tenth of that. From V8 13 (Node 24) on, such
 *   buffers have a limit of their own, which does not grow with the heap's unless it is made part of it.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--heap-growing-percent=200');
if (Number.parseInt(process.versions.v8, 10) >= 13) {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/** From now on the young generation grows with the load, as by default. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
