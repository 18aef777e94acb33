/**
 * Row 10: what a clouddriver with a hundred accounts asks for: every kind in every namespace of each
 * account every 30 s, each from a process of its own, which connects anew. At a steady pace, for a time.
 */
import { serviceTls } from '../../harness/caller-credentials.js';
import { residentMib } from '../../harness/process-memory.js';
import { NEAR } from '../arena.js';
import { runProgram } from '../bench-program.js';
import { BARE_SERVER } from '../contestant.js';
import type { Contestant, Role } from '../contestant.js';
import { loadSchema } from '../endpoint.js';
import type { Endpoint } from '../endpoint.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { newConnectionLoad } from '../request-load.js';
import { ROLES, withUsage } from '../process-usage.js';
import type { Bench, Row } from '../row.js';
import { Samples, median } from '../samples.js';
import { atLeast, atMost, judge } from '../verdict.js';

const ACCOUNTS = 100;
const NAMESPACES = 20;
const KINDS = 10;
const CYCLE_SECONDS = 30;
const REQUESTS_PER_SECOND = (ACCOUNTS * NAMESPACES * KINDS) / CYCLE_SECONDS;
/** Processes of kubectl at once; what is due later than this waits. */
const CALLERS = 64;
/** A list of a dozen objects. */
const LIST_BYTES = 16 * 1024;
const SECONDS = { quick: 15, usual: 60, full: 1800 } as const;
const FULL_LENGTH = `--full-length makes it ${SECONDS.full} s`;
const SAMPLE_MS = 500;
const NAME = 'clouddriver';
const BARE = `${BARE_SERVER}, as fast as it can`;

export const clouddriverLoad: Row = {
  number: 10,
  title: `clouddriver: ${ACCOUNTS} accounts x ${NAMESPACES} namespaces x ${KINDS} kinds every ${CYCLE_SECONDS} s`,
  run: async (bench) => {
    const samples = new Samples();
    const { arena, isQuick, isFullLength } = bench;
    const seconds = isFullLength ? SECONDS.full : isQuick ? SECONDS.quick : SECONDS.usual;
    const tunnel = await arena.freshFairlead({ agents: [] });
    try {
      const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `account-${i}`);
      await tunnel.startAgent(NEAR, await arena.target(), { accounts });
      const endpoints = await Promise.all(
        accounts.map((account) => accountEndpoint(tunnel, account)),
      );
      await addBare(bench, samples);
      bench.tell(`row 10: ${seconds} s`);
      await addPacedLoad(samples, tunnel, endpoints, seconds);
      await addBare(bench, samples);
    } finally {
      await tunnel.stop();
    }
    const notes = [`Lasted ${seconds} s${isFullLength ? '' : `; ${FULL_LENGTH}`}.`];
    return { samples, findings: findingsOf(samples, isFullLength), notes };
  },
};

async function accountEndpoint({ rig }: FairleadTunnel, account: string): Promise<Endpoint> {
  const { ca, cert, key } = await serviceTls(rig, `${NEAR}/generic/${account}`);
  return { port: rig.ports.services, tls: { ca, cert, key }, headers: {} };
}

/** What one Node process can do at most with callers of this kind; before and after, as half an hour lies between. */
async function addBare({ arena, seconds }: Bench, samples: Samples): Promise<void> {
  const bare = await arena.bareHttps(await arena.fairlead.certificateCaller(NEAR));
  const path = `/body?${LIST_BYTES}`;
  const options = { callers: CALLERS, seconds, path, bodyBytes: LIST_BYTES };
  const load = await newConnectionLoad(bare.endpoint, options);
  samples.add(BARE, 'requests/s', load.requests / load.seconds);
}

async function addPacedLoad(
  samples: Samples,
  tunnel: FairleadTunnel,
  endpoints: readonly Endpoint[],
  seconds: number,
): Promise<void> {
  const contestant = tunnel.contestant(NAME, NEAR, { port: 0, headers: {} });
  const options = {
    endpoints,
    path: `/body?${LIST_BYTES}`,
    expectedBytes: LIST_BYTES,
    callers: CALLERS,
    seconds,
    requestsPerSecond: REQUESTS_PER_SECOND,
    warmUpRequests: ACCOUNTS,
  };
  const curves = new MemoryCurves(contestant);
  const { result, usage } = await withUsage(contestant, () =>
    runProgram('calls', options, loadSchema, seconds * 1000),
  ).finally(() => curves.stop());
  samples.addLoad(NAME, result, usage);
  for (const role of ROLES) {
    const ms = usage[role]?.cpuMs ?? NaN;
    samples.add(NAME, `${role} CPU % of a core`, ms / result.seconds / 10);
    samples.add(NAME, `${role} memory, last third against middle`, curves.growth(role));
  }
  // the generator ends with the first request that fails
  samples.add(NAME, 'failed requests', 0);
}

/** Resident memory over time. */
class MemoryCurves {
  readonly #curves = { controller: new Array<number>(), agent: new Array<number>() };
  readonly #timer: NodeJS.Timeout;

  constructor({ pids }: Contestant) {
    this.#timer = setInterval(() => {
      for (const role of ROLES) this.#curves[role].push(residentMib(pids[role]?.[0] ?? 0));
    }, SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The median of the last third of the time against that of the middle one. */
  growth(role: Role): number {
    const curve = this.#curves[role];
    const third = Math.floor(curve.length / 3);
    return median(curve.slice(-third)) / median(curve.slice(third, 2 * third));
  }
}

function findingsOf(samples: Samples, isFullLength: boolean) {
  const row = 10;
  // a process that has just started grows towards what it will keep
  const notJudged = isFullLength
    ? undefined
    : `too short to tell growth from settling; ${FULL_LENGTH}`;
  const of = (measure: string) => samples.of(NAME, measure);
  return [
    judge({ row, what: 'failed requests', goal: atMost(0, ''), values: of('failed requests') }),
    judge({
      row,
      what: 'pace kept',
      // what was due in the last moment is answered a little later
      goal: atLeast(REQUESTS_PER_SECOND * 0.98, '/s'),
      values: of('requests/s'),
      limit: { what: BARE, values: samples.of(BARE, 'requests/s') },
    }),
    ...ROLES.map((role) =>
      judge({
        row,
        what: `${role} memory, last third of the time against the middle`,
        goal: atMost(1.05, 'x'),
        values: of(`${role} memory, last third against middle`),
        notJudged,
      }),
    ),
  ];
}
