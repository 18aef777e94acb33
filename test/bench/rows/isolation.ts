/**
 * Row 6: what small requests notice of others: of one bulk download, and of callers that stopped reading
 * beside an upload that its target does not read. What those cost is in stalled-memory.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { NEAR } from '../arena.js';
import { bulkLoad } from '../bulk-load.js';
import { DIRECT, inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { checkStillHeld, holdStreams, untilHeldBack, untilReleased } from '../held-streams.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint, warmUp } from '../row.js';
import type { Bench, Row } from '../row.js';
import { Samples } from '../samples.js';
import { atMost, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';
import { addStalledMemory, stalledMemoryFindings } from './stalled-memory.js';

const CALLERS = 4;
const FAIRLEAD = 'Fairlead';
const STALLED = [1, 100, 1000] as const;
const BODY_BYTES = 64 * 1024 ** 2;
/** Times per round that readers stall and leave: what is compared is close in time, as machines have slow phases. */
const TURNS = 3;
/** After 1,000 have left, p99 is high for longer than beside them, and would make what follows look good. */
const LONGER_AFTER_LEAVING = 4;
const AGAINST_BEFORE = 'p99 x before';
/** Until the generator of bulk has started. */
const START_MS = 1000;

export const isolation: Row = {
  number: 6,
  title: 'small requests beside a bulk download, and beside stalled readers and a stalled upload',
  run: async (bench) => {
    const samples = new Samples();
    const { arena } = bench;
    const tunnel = await arena.freshFairlead({ agents: [NEAR] });
    try {
      await tunnel.startAgent(NEAR, await arena.target());
      const fairlead = tunnel.contestant(FAIRLEAD, NEAR, tunnel.plainCaller(NEAR));
      const others = [await arena.direct(), await arena.ssh(), await arena.proxyHop()];
      const all = [...others.filter((one) => one !== undefined), fairlead];
      await warmUp(bench, all);
      await inTurn(all, bench.rounds, (contestant) => besideBulk(bench, samples, contestant));
      await inTurn(STALLED, bench.isQuick ? 1 : bench.rounds, async (count) => {
        for (let turn = 0; turn < (bench.isQuick ? 1 : TURNS); turn++) {
          await besideStalled(bench, samples, { tunnel, fairlead, count });
        }
      });
    } finally {
      await tunnel.stop();
    }
    await addStalledMemory(bench, samples);
    return { samples, findings: findingsOf(samples) };
  },
};

async function besideBulk(bench: Bench, samples: Samples, contestant: Contestant): Promise<void> {
  const { seconds, tell, arena } = bench;
  const { name, endpoint } = contestant;
  tell(`row 6: one bulk download: ${name}`);
  const load = () => wrkLoad(endpoint, { callers: CALLERS, seconds });
  await arena.optional(() => addLoadPoint(samples, contestant, load));
  const named = { ...contestant, name: `${name} beside bulk` };
  const bulk = bulkLoad(endpoint, {
    direction: 'download',
    streams: 1,
    bytes: BODY_BYTES,
    seconds: seconds + (2 * START_MS) / 1000,
  });
  await delay(START_MS);
  const [transfer] = await Promise.all([
    bulk,
    arena.optional(() => addLoadPoint(samples, named, load)),
  ]);
  samples.add(named.name, 'bulk MiB/s', transfer.bytes / 1024 ** 2 / transfer.seconds);
}

interface Stalling {
  readonly tunnel: FairleadTunnel;
  readonly fairlead: Contestant;
  readonly count: number;
}

async function besideStalled(
  { seconds, tell, arena }: Bench,
  samples: Samples,
  { tunnel, fairlead, count }: Stalling,
): Promise<void> {
  tell(`row 6: ${count} stalled readers and an upload`);
  const point = (name: string, longer = 1) =>
    arena.optional(() =>
      addLoadPoint(samples, { ...fairlead, name }, () =>
        wrkLoad(fairlead.endpoint, { callers: CALLERS, seconds: seconds * longer }),
      ),
    );
  const [before, beside] = [`${FAIRLEAD} before ${count} stalled`, besideName(count)];
  const besideThem = async (): Promise<void> => {
    await point(firstSecondsOf(beside));
    await point(beside);
  };
  await point(firstSecondsOf(before), LONGER_AFTER_LEAVING);
  await point(before);
  const readers = await holdStreams(tunnel, NEAR, 'reader', count);
  const upload = await holdStreams(tunnel, NEAR, 'upload', 1);
  try {
    await untilHeldBack(tunnel);
    const isServed = await besideThem().then(
      () => true,
      (reason: unknown) => {
        tell(`row 6: beside ${count} stalled: ${String(reason)}`);
        return false;
      },
    );
    samples.add(beside, 'failed loads', isServed ? 0 : 1);
    const [p99Ms, beforeMs] = [beside, before].map((name) => samples.of(name, 'p99 ms').at(-1));
    if (isServed && p99Ms !== undefined && beforeMs !== undefined) {
      samples.add(beside, AGAINST_BEFORE, p99Ms / beforeMs);
    }
    await checkStillHeld(tunnel, [readers, upload]);
  } finally {
    await Promise.all([readers.leave(), upload.leave()]);
  }
  await untilReleased(tunnel);
}

/** What came before is other work, such as opening streams in thousands: V8 throws away code and compiles it anew. */
function firstSecondsOf(name: string): string {
  return `${name}, first seconds`;
}

function besideName(count: number): string {
  return `${FAIRLEAD} beside ${count} stalled`;
}

function findingsOf(samples: Samples): Finding[] {
  const row = 6;
  const bulk = judge({
    row,
    what: 'p99 beside one bulk download',
    goal: atMost(10, 'ms'),
    values: samples.of(`${FAIRLEAD} beside bulk`, 'p99 ms'),
    limit: { what: DIRECT, values: samples.of(`${DIRECT} beside bulk`, 'p99 ms') },
  });
  const stalled = STALLED.flatMap((count) => {
    const name = besideName(count);
    return [
      // a load fails with the first request that does
      judge({
        row,
        what: `failed loads beside ${count} stalled`,
        goal: atMost(0, ''),
        values: mostOf(samples.of(name, 'failed loads')),
      }),
      judge({
        row,
        what: `p99 beside ${count} stalled against before, warm`,
        goal: atMost(1.2, 'x'),
        values: samples.of(name, AGAINST_BEFORE),
      }),
    ];
  });
  return [bulk, ...stalled, ...stalledMemoryFindings(samples)];
}

/** One turn that failed is not made good by others. */
function mostOf(values: readonly number[]): number[] {
  return values.length === 0 ? [] : [Math.max(...values)];
}
