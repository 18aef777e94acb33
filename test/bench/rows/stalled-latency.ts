/**
 * The latency part of row 6: what small requests notice of callers that stopped reading, beside an upload
 * that its target does not read. Of two equal Fairleads one holds them and its twin holds none. Loads of a
 * second go to both in turn, as machines have slow phases that last longer; then they swap roles, as no two
 * processes are compiled alike.
 */
import { NEAR } from '../arena.js';
import { inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { checkStillHeld, holdStreams, untilHeldBack, untilReleased } from '../held-streams.js';
import type { Held } from '../held-streams.js';
import { ROLES, withUsage } from '../process-usage.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint } from '../row.js';
import type { Bench } from '../row.js';
import type { Samples } from '../samples.js';
import { atMost, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';

/** One of the two Fairleads. */
export interface Twin {
  readonly tunnel: FairleadTunnel;
  readonly contestant: Contestant;
}

/** Of small requests, in all of row 6. */
export const CALLERS = 4;
const STALLED = [1, 100, 1000] as const;
const TURN_SECONDS = 1;
/** Each twin is loaded for as long as this many points while one of them holds. */
const POINTS = 3;
/** After 1,000 have left, p99 is high for seconds, and would make what is compared with it look good. */
const POINTS_AFTER_LEAVING = 2;
const AGAINST_TWIN = 'p99 x twin';

/** Measures every number of stalled readers: held by one, then by the other (by the first alone with `--quick`). */
export async function addStalledLatency(
  bench: Bench,
  samples: Samples,
  [one, other]: readonly [Twin, Twin],
): Promise<void> {
  const { isQuick, rounds, arena } = bench;
  await inTurn(STALLED, isQuick ? 1 : rounds, async (count) => {
    await arena.optional(async () => {
      const of = { bench, samples, count };
      const both = [await hold(of, { holder: one, twin: other })];
      if (!isQuick) both.push(await hold(of, { holder: other, twin: one }));
      addRatio(samples, count, both);
    });
  });
}

interface Point {
  readonly bench: Bench;
  readonly samples: Samples;
  readonly count: number;
}

interface Roles {
  readonly holder: Twin;
  readonly twin: Twin;
}

/** What was seen while one held: p99 of each turn, ms. */
interface Holding {
  readonly beside: number[];
  readonly without: number[];
  failedLoads: number;
}

async function hold(point: Point, roles: Roles): Promise<Holding> {
  const { bench, count } = point;
  const { tunnel } = roles.holder;
  bench.tell(`row 6: ${count} stalled readers and an upload`);
  const { without } = namesOf(count);
  // it may have held right before
  await load(point, roles.twin, firstSecondsOf(without), bench.seconds * POINTS_AFTER_LEAVING);
  const held: Held[] = [];
  const whileHeld = async (): Promise<Holding> => {
    held.push(await holdStreams(tunnel, NEAR, 'reader', count));
    held.push(await holdStreams(tunnel, NEAR, 'upload', 1));
    await untilHeldBack(tunnel);
    const holding = await loadBoth(point, roles);
    await checkStillHeld(tunnel, held);
    return holding;
  };
  const holding = await whileHeld().finally(() => Promise.all(held.map((one) => one.leave())));
  await untilReleased(tunnel);
  return holding;
}

async function loadBoth(point: Point, { holder, twin }: Roles): Promise<Holding> {
  const { bench, samples, count } = point;
  const { beside, without } = namesOf(count);
  const holding: Holding = { beside: [], without: [], failedLoads: 0 };
  const loadHolder = async (name: string): Promise<number | undefined> =>
    load(point, holder, name).catch((reason: unknown) => {
      bench.tell(`row 6: beside ${count} stalled: ${String(reason)}`);
      holding.failedLoads++;
      return undefined;
    });
  for (let second = 0; second < bench.seconds; second++) {
    await load(point, twin, firstSecondsOf(without));
    await loadHolder(firstSecondsOf(beside));
  }
  for (let second = 0; second < bench.seconds * POINTS; second++) {
    const { result, usage } = await withUsage(holder.contestant, () => load(point, twin, without));
    holding.without.push(result);
    for (const role of ROLES) {
      samples.add(beside, `${role} CPU ms/s beside its twin`, usage[role]?.cpuMs ?? NaN);
    }
    const p99Ms = await loadHolder(beside);
    if (p99Ms !== undefined) holding.beside.push(p99Ms);
  }
  return holding;
}

/** Gives its p99, ms. */
async function load(
  { samples }: Point,
  { contestant }: Twin,
  name: string,
  seconds = TURN_SECONDS,
): Promise<number> {
  const { endpoint } = contestant;
  const { p99Ms } = await addLoadPoint(samples, { ...contestant, name }, () =>
    wrkLoad(endpoint, { callers: CALLERS, seconds }),
  );
  return p99Ms;
}

/** Sums first, then their ratio, so that a slow second of the twin weighs as much as one of the holder. */
function addRatio(samples: Samples, count: number, both: readonly Holding[]): void {
  const { beside } = namesOf(count);
  const failedLoads = sum(both.map((holding) => holding.failedLoads));
  samples.add(beside, 'failed loads', failedLoads);
  if (failedLoads > 0) return;
  const p99s = both.flatMap((holding) => holding.beside);
  const without = both.flatMap((holding) => holding.without);
  samples.add(beside, AGAINST_TWIN, sum(p99s) / sum(without));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What came before is other work, such as opening streams in thousands: V8 throws away code and compiles it anew. */
function firstSecondsOf(name: string): string {
  return `${name}, first seconds`;
}

function namesOf(count: number): { beside: string; without: string } {
  return {
    beside: `Fairlead beside ${count} stalled`,
    without: `Fairlead, twin of that with ${count} stalled`,
  };
}

/** Judges what `addStalledLatency` has measured. */
export function stalledLatencyFindings(samples: Samples): Finding[] {
  const row = 6;
  return STALLED.flatMap((count) => {
    const { beside } = namesOf(count);
    return [
      // a load fails with the first request that does
      judge({
        row,
        what: `failed loads beside ${count} stalled`,
        goal: atMost(0, ''),
        values: mostOf(samples.of(beside, 'failed loads')),
      }),
      judge({
        row,
        what: `p99 beside ${count} stalled against a twin without`,
        goal: atMost(1.2, 'x'),
        values: samples.of(beside, AGAINST_TWIN),
      }),
    ];
  });
}

/** One round that failed is not made good by others. */
function mostOf(values: readonly number[]): number[] {
  return values.length === 0 ? [] : [Math.max(...values)];
}
