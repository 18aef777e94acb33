/**
 * Row 6: what small requests notice of others: here of one bulk download; of callers that stopped reading
 * in stalled-latency.ts. What those cost is in stalled-memory.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { NEAR } from '../arena.js';
import { bulkLoad } from '../bulk-load.js';
import { DIRECT, inTurn } from '../contestant.js';
import type { Contestant } from '../contestant.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint, warmUp } from '../row.js';
import type { Bench, Row } from '../row.js';
import { Samples } from '../samples.js';
import { below, judge } from '../verdict.js';
import type { Finding } from '../verdict.js';
import { CALLERS, addStalledLatency, stalledLatencyFindings } from './stalled-latency.js';
import type { Twin } from './stalled-latency.js';
import { addStalledMemory, stalledMemoryFindings } from './stalled-memory.js';

const FAIRLEAD = 'Fairlead';
const BODY_BYTES = 64 * 1024 ** 2;
/** Until the generator of bulk has started. */
const START_MS = 1000;

export const isolation: Row = {
  number: 6,
  title: 'small requests beside a bulk download, and beside stalled readers and a stalled upload',
  run: async (bench) => {
    const samples = new Samples();
    const { arena } = bench;
    const tunnels = [await freshTunnel(bench), await freshTunnel(bench)] as const;
    try {
      const [one, other] = [await twin(bench, tunnels[0]), await twin(bench, tunnels[1])];
      const others = [await arena.direct(), await arena.ssh(), await arena.proxyHop()];
      const all = [...others.filter((contestant) => contestant !== undefined), one.contestant];
      await warmUp(bench, [...all, other.contestant]);
      await inTurn(all, bench.rounds, (contestant) => besideBulk(bench, samples, contestant));
      await addStalledLatency(bench, samples, [one, other]);
    } finally {
      await Promise.all(tunnels.map((tunnel) => tunnel.stop()));
    }
    await addStalledMemory(bench, samples);
    return { samples, findings: findingsOf(samples) };
  },
};

function freshTunnel({ arena }: Bench): Promise<FairleadTunnel> {
  return arena.freshFairlead({ agents: [NEAR] });
}

async function twin({ arena }: Bench, tunnel: FairleadTunnel): Promise<Twin> {
  await tunnel.startAgent(NEAR, await arena.target());
  return { tunnel, contestant: tunnel.contestant(FAIRLEAD, NEAR, tunnel.plainCaller(NEAR)) };
}

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

function findingsOf(samples: Samples): Finding[] {
  const row = 6;
  const bulk = judge({
    row,
    what: 'p99 beside one bulk download',
    goal: below(10, 'ms'),
    values: samples.of(`${FAIRLEAD} beside bulk`, 'p99 ms'),
    limit: { what: DIRECT, values: samples.of(`${DIRECT} beside bulk`, 'p99 ms') },
  });
  return [bulk, ...stalledLatencyFindings(samples), ...stalledMemoryFindings(samples)];
}
