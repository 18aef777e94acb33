/**
 * Row 4: one large body over a link with a long round trip. The relay stands between the two ends of each
 * tunnel, the bare pipes among them; for the raw TLS stream between caller and target. A link of 1 Gbit/s,
 * too, where windows decide and not processors.
 */
import type { Arena, LinkConditions } from '../arena.js';
import { linkName } from '../arena.js';
import { DIRECTIONS, bulkLoad } from '../bulk-load.js';
import type { Direction } from '../bulk-load.js';
import { GRPC_PIPES, PIPES, SSH, RAW_TLS, inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import { addTransferPoint, warmUpBulk } from '../row.js';
import type { Bench, Row } from '../row.js';
import { Samples, figureText, median } from '../samples.js';
import { atLeast, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';

const MIB = 1024 ** 2;
const GIGABIT = 125_000_000;
/** The conditions of the goal. */
const JUDGED: LinkConditions = { rttMs: 50 };
const JUDGED_GIGABIT: LinkConditions = { ...JUDGED, bytesPerSecond: GIGABIT };
const JUDGED_LINKS: readonly LinkConditions[] = [JUDGED, JUDGED_GIGABIT];
/** All links that agents may be behind; the arena needs to know when it starts. */
export const LONG_LINKS: readonly LinkConditions[] = [
  { rttMs: 0 },
  { rttMs: 20 },
  JUDGED,
  { rttMs: 100 },
  JUDGED_GIGABIT,
];
/** Turns per round on the links of the goal: machines have slow phases of seconds, in which processors decide. */
const JUDGED_TURNS = 2;
const FAIRLEAD = 'Fairlead';

export const longLink: Row = {
  number: 4,
  title: 'one bulk stream over a long link',
  run: async (bench) => {
    const samples = new Samples();
    for (const conditions of bench.isQuick ? JUDGED_LINKS : LONG_LINKS) {
      const turns = bench.isQuick || !JUDGED_LINKS.includes(conditions) ? 1 : JUDGED_TURNS;
      const contestants = await contestantsOf(bench.arena, conditions);
      await warmUpBulk(bench, contestants);
      for (const direction of DIRECTIONS) {
        await inTurn(contestants, turns * bench.rounds, (contestant) =>
          measure(bench, { samples, contestant, conditions, direction }),
        );
      }
    }
    return { samples, findings: JUDGED_LINKS.flatMap(findingsOf(samples)) };
  },
};

interface Point {
  readonly samples: Samples;
  readonly contestant: Contestant;
  readonly conditions: LinkConditions;
  readonly direction: Direction;
}

async function contestantsOf(arena: Arena, conditions: LinkConditions): Promise<Contestant[]> {
  const { fairlead } = arena;
  const agent = await arena.far(conditions);
  const ssh = await arena.ssh(conditions);
  return [
    await arena.rawTls(conditions),
    ...(ssh === undefined ? [] : [ssh]),
    await arena.pipes(conditions),
    await arena.grpcPipes(conditions),
    fairlead.contestant(FAIRLEAD, agent, fairlead.plainCaller(agent)),
  ];
}

async function measure(
  { seconds, isQuick, tell }: Bench,
  { samples, contestant, conditions, direction }: Point,
): Promise<void> {
  const name = pointName(contestant.name, conditions, direction);
  tell(`row 4: ${name}`);
  const bytes = (isQuick ? 64 : 256) * MIB;
  await addTransferPoint(samples, { ...contestant, name }, () =>
    bulkLoad(contestant.endpoint, { direction, streams: 1, bytes, seconds }),
  );
}

function pointName(name: string, conditions: LinkConditions, direction: Direction): string {
  return `${linkName(conditions)} ${direction}: ${name}`;
}

function findingsOf(samples: Samples): (conditions: LinkConditions) => Finding[] {
  return (conditions) =>
    DIRECTIONS.flatMap((direction) => {
      const ratio = (of: string, to: string): readonly number[] =>
        samples.ratio(
          'MiB/s',
          pointName(of, conditions, direction),
          pointName(to, conditions, direction),
        );
      // two more processes share the processors with the ends, and move the bytes by gRPC
      const against = (rival: string, bound: number): Finding =>
        judge({
          row: 4,
          what: `${linkName(conditions)} ${direction} against ${rival}`,
          goal: atLeast(bound, 'x'),
          values: ratio(FAIRLEAD, rival),
          limit: { what: GRPC_PIPES, values: ratio(GRPC_PIPES, rival) },
          note: `${PIPES}: ${figureText(median(ratio(PIPES, rival)))} x`,
        });
      return [against(SSH, 2), against(RAW_TLS, 0.8)];
    });
}
