/**
 * The memory part of row 6: what callers that stopped reading cost, and what is left of it when they have
 * gone. Processes are fresh and have served next to nothing, as a heap that was busy hides it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { NEAR } from '../arena.js';
import { inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { firstUse, holdStreams, idleMib, untilHeldBack, untilReleased } from '../held-streams.js';
import { ROLES } from '../process-usage.js';
import type { Bench } from '../row.js';
import type { Samples } from '../samples.js';
import { atMost, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';

/** Fewer are lost in what a heap grows and shrinks by itself. */
const STALLED = [100, 1000] as const;
const BACK_MS = 10_000;
/** Of what stalled streams took; what the allocator keeps for the next. */
const LEFT_SHARE = 0.1;
/** By which a process grows and shrinks by itself. */
const NOISE_MIB = 10;

/** Measures every number of stalled readers, each with a stalled upload. */
export async function addStalledMemory(bench: Bench, samples: Samples): Promise<void> {
  const { arena, isQuick, rounds, tell } = bench;
  await inTurn(STALLED, isQuick ? 1 : rounds, async (count) => {
    tell(`row 6: memory of ${count} stalled readers and an upload`);
    const tunnel = await arena.freshFairlead({ agents: [NEAR] });
    try {
      await tunnel.startAgent(NEAR, await arena.target());
      await measure(samples, tunnel, count);
    } finally {
      await tunnel.stop();
    }
  });
}

async function measure(samples: Samples, tunnel: FairleadTunnel, count: number): Promise<void> {
  const name = nameOf(count);
  const fairlead = tunnel.contestant(name, NEAR, tunnel.plainCaller(NEAR));
  await firstUse(tunnel, NEAR, 'reader');
  const before = await idleMib(fairlead);
  const readers = await holdStreams(tunnel, NEAR, 'reader', count);
  const upload = await holdStreams(tunnel, NEAR, 'upload', 1);
  const leave = () => Promise.all([readers.leave(), upload.leave()]);
  const taken = await untilHeldBack(tunnel)
    .then(() => growth(fairlead, before))
    .finally(leave);
  const leftAt = performance.now();
  const releasedMs = await untilReleased(tunnel);
  let left = await growth(fairlead, before);
  const isBack = (): boolean => left.every((mib, i) => mib <= (taken[i] ?? 0) * LEFT_SHARE);
  while (!isBack() && performance.now() - leftAt < BACK_MS) {
    await delay(500);
    left = await growth(fairlead, before);
  }
  samples.add(name, 'released after ms', releasedMs);
  ROLES.forEach((role, i) => {
    samples.add(name, `${role} MiB each`, (taken[i] ?? NaN) / (count + 1));
    // one that has taken next to nothing cannot keep much of it
    const share = Math.max(0, left[i] ?? NaN) / Math.max(NOISE_MIB, taken[i] ?? NaN);
    samples.add(name, `${role} share left`, share);
  });
}

/** By how much controller and agent have grown, MiB. */
async function growth(
  fairlead: Contestant,
  before: readonly [number, number],
): Promise<[controller: number, agent: number]> {
  const now = await idleMib(fairlead);
  return [now[0] - before[0], now[1] - before[1]];
}

function nameOf(count: number): string {
  return `memory of ${count} stalled`;
}

/** The lines of the table. */
export function stalledMemoryFindings(samples: Samples): Finding[] {
  const row = 6;
  return STALLED.flatMap((count) => {
    const of = (measure: string) => samples.of(nameOf(count), measure);
    return [
      ...ROLES.flatMap((role) => [
        judge({
          row,
          what: `${role}, each of ${count} stalled`,
          goal: atMost(0.5, 'MiB'),
          values: of(`${role} MiB each`),
        }),
        judge({
          row,
          what: `${role}, share of memory left 10 s after ${count} stalled`,
          goal: atMost(LEFT_SHARE, ''),
          values: of(`${role} share left`),
        }),
      ]),
      judge({
        row,
        what: `streams and bytes of ${count} stalled released`,
        goal: atMost(BACK_MS, 'ms'),
        values: of('released after ms'),
      }),
    ];
  });
}
