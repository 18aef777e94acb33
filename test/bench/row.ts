/**
 * What a row of the benchmark is, and what it is given.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Arena } from './arena.js';
import { DIRECTIONS, bulkLoad } from './bulk-load.js';
import type { Contestant } from './contestant.js';
import type { Load, Transfer } from './endpoint.js';
import { withUsage } from './process-usage.js';
import type { LineChart } from './line-chart.js';
import { wrkLoad } from './request-load.js';
import type { Samples } from './samples.js';
import type { Finding } from './verdict.js';

/** How much is measured. */
export interface Extent {
  readonly rounds: number;
  /** Per point. */
  readonly seconds: number;
  readonly isQuick: boolean;
  /** Row 10 for its thirty minutes. */
  readonly isFullLength: boolean;
}

/** What a row works with. */
export interface Bench extends Extent {
  readonly arena: Arena;
  /** Says on standard error what is being measured. */
  tell(line: string): void;
}

/** What came out of a row. */
export interface RowResult {
  readonly findings: readonly Finding[];
  readonly samples: Samples;
  /** Conditions that a reader must know. */
  readonly notes?: readonly string[];
  readonly charts?: readonly LineChart[];
}

/** One row, or some that belong together. */
export interface Row {
  readonly number: number;
  readonly title: string;
  run(bench: Bench): Promise<RowResult>;
}

/** Callers enough to make every function of both processes hot, and to open the connections they keep. */
const WARM_UP_CALLERS = 32;
/**
 * For the processes of a contestant, divided among the ways to it: what a request runs through is compiled for
 * good by then, in the largest of them, too.
 */
const WARM_UP_SECONDS = 24;
const QUICK_WARM_UP_SECONDS = 2;

/** Gives contestants some load that does not count: a process that has just started is several times slower. */
export async function warmUp(
  { arena, isQuick, tell }: Bench,
  contestants: readonly Contestant[],
  seconds = isQuick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS,
): Promise<void> {
  const ways = contestants.filter((contestant) => arena.isFirstUse(contestant));
  for (const contestant of ways) {
    tell(`warm-up: ${contestant.name}`);
    const shared = ways.filter(({ pids }) => isDeepStrictEqual(pids, contestant.pids)).length;
    const options = { callers: WARM_UP_CALLERS, seconds: Math.ceil(seconds / shared) };
    await arena.optional(() => wrkLoad(contestant.endpoint, options));
  }
}

const BULK_WARM_UP_BYTES = 64 * 1024 ** 2;
/** Each way. An agent behind a long link has its own process, which is compiled for good after some hundred MiB. */
const BULK_WARM_UP_SECONDS = 6;

/** The same for large bodies, which take other ways through the code. */
export async function warmUpBulk(bench: Bench, contestants: readonly Contestant[]): Promise<void> {
  await warmUp(bench, contestants, QUICK_WARM_UP_SECONDS);
  const seconds = bench.isQuick ? 0 : BULK_WARM_UP_SECONDS;
  for (const { name, endpoint } of contestants) {
    bench.tell(`warm-up with bulk: ${name}`);
    for (const direction of DIRECTIONS) {
      await bulkLoad(endpoint, { direction, streams: 1, bytes: BULK_WARM_UP_BYTES, seconds });
    }
  }
}

/** Measures one point of requests, keeps its figures and gives them. */
export async function addLoadPoint(
  samples: Samples,
  contestant: Contestant,
  load: () => Promise<Load>,
): Promise<Load> {
  const { result, usage } = await withUsage(contestant, load);
  samples.addLoad(contestant.name, result, usage);
  return result;
}

/** Measures one point of large bodies and keeps its figures. */
export async function addTransferPoint(
  samples: Samples,
  contestant: Contestant,
  transfer: () => Promise<Transfer>,
): Promise<void> {
  const { result, usage } = await withUsage(contestant, transfer);
  samples.addTransfer(contestant.name, result, usage);
}
