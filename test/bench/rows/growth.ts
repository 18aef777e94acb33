/**
 * Row 11: how rates and latencies go with the number of callers and sessions and the size of bodies, as
 * charts. A cliff is a point that falls far below one before it.
 */
import { NEAR } from '../arena.js';
import { bulkLoad } from '../bulk-load.js';
import type { Contestant } from '../contestant.js';
import type { LineChart } from '../line-chart.js';
import { connectAgents } from '../many-agents.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint, addTransferPoint, warmUp } from '../row.js';
import type { Bench, Row } from '../row.js';
import { Samples, median } from '../samples.js';
import { atLeast, judge } from '../verdict.js';

const KIB = 1024;
const CALLERS = { all: [1, 8, 64, 512], quick: [1, 64, 512] } as const;
const SESSIONS = { all: [1, 100, 1000], quick: [1, 100] } as const;
const BODY_KIB = { all: [1, 16, 256, 4096, 65_536], quick: [1, 256, 65_536] } as const;
const SESSION_CALLERS = 32;
const BODY_CALLERS = 8;
const FAIRLEAD = 'Fairlead';
/** Below this share of the best so far a point is a cliff. */
const CLIFF = 0.5;

export const growth: Row = {
  number: 11,
  title: 'growth with callers, sessions and sizes',
  run: async (bench) => {
    const samples = new Samples();
    const contestants = await contestantsOf(bench);
    // it holds bodies whole, so it does not take part where they grow
    const withBare = [...contestants, (await bench.arena.bareTunnel()).plainCallers];
    await warmUp(bench, withBare);
    const extent = bench.isQuick ? 'quick' : 'all';
    await addCallers(bench, samples, withBare, CALLERS[extent]);
    await addSizes(bench, samples, contestants, BODY_KIB[extent]);
    await addSessions(bench, samples, SESSIONS[extent]);
    const chart = (x: Axis, y: string, names: readonly string[]): LineChart =>
      chartOf(samples, x, y, names);
    const callers: Axis = { name: 'callers', points: CALLERS[extent] };
    const sessions: Axis = { name: 'sessions', points: SESSIONS[extent] };
    const sizes: Axis = { name: 'KiB', points: BODY_KIB[extent] };
    const rates = [
      chart(callers, 'requests/s', namesOf(withBare)),
      chart(sessions, 'requests/s', [FAIRLEAD]),
      chart(sizes, 'MiB/s', namesOf(contestants)),
    ];
    return {
      samples,
      findings: rates.map(cliffFinding),
      charts: [
        ...rates,
        chart(callers, 'p99 ms', namesOf(withBare)),
        chart(sessions, 'p99 ms', [FAIRLEAD]),
        chart(sizes, 'bodies/s', namesOf(contestants)),
        chart(sizes, 'mean ms', namesOf(contestants)),
      ],
      notes: [`Bodies: ${BODY_CALLERS} callers; sessions: ${SESSION_CALLERS} callers.`],
    };
  },
};

async function contestantsOf({ arena }: Bench): Promise<Contestant[]> {
  await arena.near();
  const { fairlead } = arena;
  return [
    await arena.direct(),
    await arena.ssh(),
    await arena.proxyHop(),
    fairlead.contestant(FAIRLEAD, NEAR, fairlead.plainCaller(NEAR)),
  ].filter((contestant) => contestant !== undefined);
}

function namesOf(contestants: readonly Contestant[]): string[] {
  return contestants.map(({ name }) => name);
}

async function addCallers(
  { arena, seconds, tell }: Bench,
  samples: Samples,
  contestants: readonly Contestant[],
  counts: readonly number[],
): Promise<void> {
  for (const callers of counts) {
    for (const contestant of contestants) {
      const name = pointName('callers', callers, contestant.name);
      tell(`row 11: ${name}`);
      const load = () => wrkLoad(contestant.endpoint, { callers, seconds });
      await arena.optional(() => addLoadPoint(samples, { ...contestant, name }, load));
    }
  }
}

async function addSizes(
  { seconds, tell }: Bench,
  samples: Samples,
  contestants: readonly Contestant[],
  sizes: readonly number[],
): Promise<void> {
  for (const kib of sizes) {
    for (const contestant of contestants) {
      const name = pointName('KiB', kib, contestant.name);
      tell(`row 11: ${name}`);
      const options = { direction: 'download', streams: BODY_CALLERS, bytes: kib * KIB } as const;
      await addTransferPoint(samples, { ...contestant, name }, () =>
        bulkLoad(contestant.endpoint, { ...options, seconds }),
      );
      // each caller asks again when it has its body, so the mean follows from the rate
      const bodiesPerSecond = (median(samples.of(name, 'MiB/s')) * KIB) / kib;
      samples.add(name, 'bodies/s', bodiesPerSecond);
      samples.add(name, 'mean ms', (BODY_CALLERS * 1000) / bodiesPerSecond);
    }
  }
}

/** The sessions beside the one that is asked come from a process that plays them. */
async function addSessions(
  bench: Bench,
  samples: Samples,
  counts: readonly number[],
): Promise<void> {
  const { arena, seconds, tell } = bench;
  const tunnel = await arena.freshFairlead({ agents: [NEAR] });
  try {
    await tunnel.startAgent(NEAR, await arena.target());
    const contestant = tunnel.contestant(FAIRLEAD, NEAR, tunnel.plainCaller(NEAR));
    await warmUp(bench, [contestant]);
    for (const sessions of counts) {
      const name = pointName('sessions', sessions, FAIRLEAD);
      tell(`row 11: ${name}`);
      const agents = sessions === 1 ? undefined : await connectAgents(tunnel, sessions - 1);
      try {
        const load = () => wrkLoad(contestant.endpoint, { callers: SESSION_CALLERS, seconds });
        await arena.optional(() => addLoadPoint(samples, { ...contestant, name }, load));
      } finally {
        await agents?.stop();
      }
    }
  } finally {
    await tunnel.stop();
  }
}

interface Axis {
  readonly name: string;
  readonly points: readonly number[];
}

function chartOf(
  samples: Samples,
  x: Axis,
  measure: string,
  contestants: readonly string[],
): LineChart {
  const lines = contestants.map((name) => ({
    name,
    points: x.points.map((at): [number, number] => [
      at,
      median(samples.of(pointName(x.name, at, name), measure)),
    ]),
  }));
  const file = `${measure.replace(/\W+/g, '-')}-by-${x.name}`.toLowerCase();
  return { name: file, title: `${measure} by ${x.name}`, x: x.name, y: measure, lines };
}

/** The lowest point of Fairlead, as a share of the best that comes before it. */
function cliffFinding({ title, lines }: LineChart) {
  const points = lines.find(({ name }) => name === FAIRLEAD)?.points ?? [];
  const shares = points.map(
    ([, y], i) => y / Math.max(...points.slice(0, i + 1).map(([, z]) => z)),
  );
  return judge({
    row: 11,
    what: `${title}: lowest against the best before it`,
    goal: atLeast(CLIFF, 'x'),
    values: [Math.min(...shares)].filter(Number.isFinite),
  });
}

function pointName(axis: string, at: number, contestant: string): string {
  return `${at} ${axis}: ${contestant}`;
}
