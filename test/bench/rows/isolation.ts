/**
 * Row 6: what small requests notice of others: of one bulk download, and of callers that stopped reading
 * beside an upload that its target does not read. And what those cost, and leave behind.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { NEAR } from '../arena.js';
import { bulkLoad } from '../bulk-load.js';
import { inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { holdStreams, idleMib, untilHeldBack, untilReleased } from '../held-streams.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint, warmUp } from '../row.js';
import type { Bench, Row } from '../row.js';
import { Samples } from '../samples.js';
import { atMost, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';

const CALLERS = 4;
const FAIRLEAD = 'Fairlead';
const STALLED = [1, 100, 1000] as const;
/** Fewer are lost in what a heap grows and shrinks by itself. */
const COUNTED_FROM = 100;
const BACK_MS = 10_000;
/** Of what stalled streams took; what the allocator keeps for the next. */
const LEFT_SHARE = 0.1;
const BODY_BYTES = 64 * 1024 ** 2;
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
      await inTurn(STALLED, bench.isQuick ? 1 : bench.rounds, (count) =>
        besideStalled(bench, samples, { tunnel, fairlead, count }),
      );
    } finally {
      await tunnel.stop();
    }
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
  const load = () => wrkLoad(fairlead.endpoint, { callers: CALLERS, seconds });
  const point = (name: string) =>
    arena.optional(() => addLoadPoint(samples, { ...fairlead, name }, load));
  await point(beforeName(count));
  const before = await idleMib(fairlead);
  const readers = await holdStreams(tunnel, NEAR, 'reader', count);
  const upload = await holdStreams(tunnel, NEAR, 'upload', 1);
  const name = besideName(count);
  try {
    await untilHeldBack(tunnel);
    const full = await idleMib(fairlead);
    samples.add(name, 'controller MiB each', (full[0] - before[0]) / (count + 1));
    samples.add(name, 'agent MiB each', (full[1] - before[1]) / (count + 1));
    const isServed = await point(name).then(
      () => true,
      (reason: unknown) => {
        tell(`row 6: beside ${count} stalled: ${String(reason)}`);
        return false;
      },
    );
    samples.add(name, 'failed loads', isServed ? 0 : 1);
  } finally {
    await Promise.all([readers.leave(), upload.leave()]);
  }
  const taken = [0, 1].map((i) => Math.max(0, samplesLast(samples, name, i)) * (count + 1));
  const leftAt = performance.now();
  samples.add(name, 'released after ms', await untilReleased(tunnel));
  let left = await leftOver(fairlead, before);
  const isBack = (): boolean => left.every((mib, i) => mib <= (taken[i] ?? 0) * LEFT_SHARE);
  while (!isBack() && performance.now() - leftAt < BACK_MS) {
    await delay(500);
    left = await leftOver(fairlead, before);
  }
  samples.add(name, 'controller left MiB', left[0]);
  samples.add(name, 'agent left MiB', left[1]);
}

function samplesLast(samples: Samples, name: string, role: number): number {
  const measure = role === 0 ? 'controller MiB each' : 'agent MiB each';
  return samples.of(name, measure).at(-1) ?? 0;
}

async function leftOver(
  fairlead: Contestant,
  before: readonly [number, number],
): Promise<[controller: number, agent: number]> {
  const now = await idleMib(fairlead);
  return [now[0] - before[0], now[1] - before[1]];
}

function beforeName(count: number): string {
  return `${FAIRLEAD} before ${count} stalled`;
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
    limit: { what: 'direct', values: samples.of('direct beside bulk', 'p99 ms') },
  });
  const stalled = STALLED.flatMap((count) => {
    const name = besideName(count);
    const p99 = samples.ratio('p99 ms', name, beforeName(count));
    return [
      // a load fails with the first request that does
      judge({
        row,
        what: `failed loads beside ${count} stalled`,
        goal: atMost(0, ''),
        values: samples.of(name, 'failed loads'),
      }),
      judge({
        row,
        what: `p99 beside ${count} stalled against before`,
        goal: atMost(1.2, 'x'),
        values: p99,
      }),
      ...(count < COUNTED_FROM ? [] : memoryFindings(samples, count)),
    ];
  });
  return [bulk, ...stalled];
}

function memoryFindings(samples: Samples, count: number): Finding[] {
  const row = 6;
  const name = besideName(count);
  return [
    ...(['controller', 'agent'] as const).flatMap((role) => {
      const each = samples.of(name, `${role} MiB each`);
      const left = samples.of(name, `${role} left MiB`);
      const share = left.map((mib, i) => Math.max(0, mib / ((each[i] ?? NaN) * (count + 1))));
      return [
        judge({
          row,
          what: `${role}, each of ${count} stalled`,
          goal: atMost(0.5, 'MiB'),
          values: each,
        }),
        judge({
          row,
          what: `${role}, share of memory left after ${count} stalled`,
          goal: atMost(LEFT_SHARE, ''),
          values: share,
        }),
      ];
    }),
    judge({
      row,
      what: `streams and bytes of ${count} stalled released`,
      goal: atMost(BACK_MS, 'ms'),
      values: samples.of(name, 'released after ms'),
    }),
  ];
}
