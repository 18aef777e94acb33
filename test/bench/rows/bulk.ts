/**
 * Row 3: large bodies without a long link: one download or upload, and eight at once.
 */
import { NEAR } from '../arena.js';
import { DIRECTIONS, bulkLoad } from '../bulk-load.js';
import type { Direction } from '../bulk-load.js';
import { GRPC_PIPES, PIPES, SSH, inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { addTransferPoint, warmUpBulk } from '../row.js';
import type { Row } from '../row.js';
import { Samples, figureText, median } from '../samples.js';
import { atLeast, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';

const MIB = 1024 ** 2;
const EIGHT = 8;
const PLAIN = 'Fairlead, callers without TLS';

export const bulk: Row = {
  number: 3,
  title: 'bulk: one download, one upload, eight at once',
  run: async (bench) => {
    const { arena, rounds, seconds, isQuick, tell } = bench;
    const samples = new Samples();
    await arena.near();
    const { fairlead } = arena;
    const contestants = [
      ...(await arena.others()),
      await arena.grpcPipes(),
      fairlead.contestant(PLAIN, NEAR, fairlead.plainCaller(NEAR)),
      ...(isQuick ? [] : overTls(fairlead)),
    ];
    await warmUpBulk(bench, contestants);
    const bytes = (isQuick ? 64 : 256) * MIB;
    for (const streams of [1, EIGHT]) {
      for (const direction of DIRECTIONS) {
        await inTurn(contestants, rounds, async (contestant) => {
          tell(`row 3: ${streams} x ${direction}: ${contestant.name}`);
          const options = { direction, streams, bytes: bytes / streams, seconds };
          const named = { ...contestant, name: pointName(contestant, direction, streams) };
          await addTransferPoint(samples, named, () => bulkLoad(contestant.endpoint, options));
        });
      }
    }
    return { samples, findings: findingsOf(samples) };
  },
};

function overTls(fairlead: FairleadTunnel): Contestant[] {
  return [
    fairlead.contestant(`${PLAIN}, TLS target`, NEAR, fairlead.plainCaller(NEAR, 'tls')),
    fairlead.contestant('Fairlead, TLS callers', NEAR, fairlead.tokenCaller(NEAR)),
  ];
}

function pointName({ name }: Pick<Contestant, 'name'>, direction: Direction, streams: number) {
  return `${streams} x ${direction}: ${name}`;
}

function findingsOf(samples: Samples): Finding[] {
  const row = 3;
  return DIRECTIONS.flatMap((direction) => {
    const name = (of: string, streams: number): string =>
      pointName({ name: of }, direction, streams);
    const againstSsh = [1, EIGHT].map((streams) => {
      const ratio = (of: string): readonly number[] =>
        samples.ratio('MiB/s', name(of, streams), name(SSH, streams));
      return judge({
        row,
        what: `${streams} x ${direction} against ${SSH}`,
        goal: atLeast(1, 'x'),
        values: ratio(PLAIN),
        limit: { what: GRPC_PIPES, values: ratio(GRPC_PIPES) },
        note: `${PIPES}: ${figureText(median(ratio(PIPES)))} x`,
      });
    });
    const sum = judge({
      row,
      what: `${EIGHT} x ${direction}, sum`,
      goal: atLeast(400, 'MiB/s'),
      values: samples.of(name(PLAIN, EIGHT), 'MiB/s'),
      limit: { what: GRPC_PIPES, values: samples.of(name(GRPC_PIPES, EIGHT), 'MiB/s') },
    });
    return [...againstSsh, sum];
  });
}
