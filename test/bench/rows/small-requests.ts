/**
 * Row 1: small GETs from 32 callers that keep their connections. The port for callers without TLS stands
 * beside `ssh -R`, whose callers have none either; callers over TLS show a token with every request.
 */
import { NEAR } from '../arena.js';
import type { Arena } from '../arena.js';
import { BARE_TUNNEL, BARE_TUNNEL_OVER_TLS, HOP, SSH, inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import { roleMib, ROLES } from '../process-usage.js';
import { h2Load, wrkLoad } from '../request-load.js';
import { addLoadPoint, warmUp } from '../row.js';
import type { Bench, Row, RowResult } from '../row.js';
import { Samples } from '../samples.js';
import { atLeast, below, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';
import { untilIdle } from '../../harness/process-memory.js';

const CALLERS = 32;
const PLAIN = 'Fairlead, callers without TLS';
const OVER_TLS = 'Fairlead, TLS callers';
const OVER_H2 = 'Fairlead, h2 callers';

export const smallRequests: Row = {
  number: 1,
  title: 'small GET, 32 callers kept alive',
  run: async (bench) => {
    const samples = new Samples();
    const contestants = await contestantsOf(bench.arena);
    await warmUp(
      bench,
      contestants.map(({ contestant }) => contestant),
    );
    await inTurn(contestants, bench.rounds, (contestant) => measure(bench, contestant, samples));
    for (const { contestant } of contestants) await addSettledMemory(samples, contestant);
    return { samples, findings: findingsOf(samples) } satisfies RowResult;
  },
};

interface Caller {
  readonly contestant: Contestant;
  readonly load: typeof wrkLoad;
}

async function contestantsOf(arena: Arena): Promise<Caller[]> {
  await arena.near();
  const { fairlead } = arena;
  const bare = await arena.bareTunnel();
  const tunnel = (name: string, endpoint: Contestant['endpoint']): Contestant =>
    fairlead.contestant(name, NEAR, endpoint);
  const http1 = [
    ...(await arena.others()),
    bare.plainCallers,
    bare.tlsCallers,
    tunnel(PLAIN, fairlead.plainCaller(NEAR)),
    tunnel(`${PLAIN}, TLS target`, fairlead.plainCaller(NEAR, 'tls')),
    tunnel(OVER_TLS, fairlead.tokenCaller(NEAR)),
    tunnel(`${OVER_TLS}, TLS target`, fairlead.tokenCaller(NEAR, 'tls')),
  ];
  const http2 = [tunnel(OVER_H2, fairlead.tokenCaller(NEAR))];
  return [
    ...http1.map((contestant) => ({ contestant, load: wrkLoad })),
    ...http2.map((contestant) => ({ contestant, load: h2Load })),
  ];
}

async function measure(
  { arena, seconds, tell }: Bench,
  { contestant, load }: Caller,
  samples: Samples,
): Promise<void> {
  tell(`row 1: ${contestant.name}`);
  const options = { callers: CALLERS, seconds };
  await arena.optional(() =>
    addLoadPoint(samples, contestant, () => load(contestant.endpoint, options)),
  );
}

/** What processes hold when the load is over. */
async function addSettledMemory(samples: Samples, contestant: Contestant): Promise<void> {
  for (const role of ROLES) {
    const pids = contestant.pids[role];
    if (pids === undefined) continue;
    await untilIdle(pids);
    samples.add(contestant.name, `${role} settled MiB`, roleMib(contestant, role));
  }
}

function findingsOf(samples: Samples): Finding[] {
  const row = 1;
  const rate = 'requests/s';
  const limit = (values: readonly number[], what = BARE_TUNNEL) => ({ what, values });
  return [
    judge({
      row,
      what: 'requests/s against ssh -R',
      goal: atLeast(1.3, 'x'),
      values: samples.ratio(rate, PLAIN, SSH),
      limit: limit(samples.ratio(rate, BARE_TUNNEL, SSH)),
    }),
    judge({
      row,
      what: 'requests/s against one http-proxy hop',
      goal: atLeast(0.9, 'x'),
      values: samples.ratio(rate, PLAIN, HOP),
      limit: limit(samples.ratio(rate, BARE_TUNNEL, HOP)),
    }),
    judge({
      row,
      what: 'requests/s',
      goal: atLeast(10_000, '/s'),
      values: samples.of(PLAIN, rate),
      limit: limit(samples.of(BARE_TUNNEL, rate)),
    }),
    judge({
      row,
      what: 'TLS callers against callers without',
      goal: atLeast(0.85, 'x'),
      values: samples.ratio(rate, OVER_TLS, PLAIN),
      limit: limit(samples.ratio(rate, BARE_TUNNEL_OVER_TLS, BARE_TUNNEL)),
    }),
    ...(
      [
        [PLAIN, BARE_TUNNEL],
        [OVER_TLS, BARE_TUNNEL_OVER_TLS],
        [OVER_H2, BARE_TUNNEL_OVER_TLS],
      ] as const
    ).map(([name, bare]) =>
      judge({
        row,
        what: `p99, ${name.replace('Fairlead, ', '')}`,
        goal: below(10, 'ms'),
        values: samples.of(name, 'p99 ms'),
        limit: limit(samples.of(bare, 'p99 ms'), bare),
      }),
    ),
  ];
}
