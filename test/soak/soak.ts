/**
 * A long run of mixed traffic and faults over a real controller and two agents, for a chosen time. Prints
 * a curve of memory and counters, and fails when a response lies, something hangs, a counter does not come
 * back to zero, or memory grows.
 *
 *     npm run soak -- --minutes 10
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openDescriptors, oneDecimal, residentMib } from '../harness/process-memory.js';
import { seededRandom } from '../harness/seeded-random.js';
import { ServiceRig } from '../harness/service-rig.js';
import { waitFor } from '../harness/wait-for.js';
import { VISITS, prepareTarget } from './traffic.js';
import type { Outcome } from './traffic.js';

const CALLERS = 12;
/** A visit that takes longer has hung: every wait in the product is shorter. */
const HANG_MS = 120_000;
const SAMPLES = 60;
const HEARTBEAT_TIMEOUT_MS = 4000;
/** Kinds of visits that must have come to a good end at least once, or nothing was tested. */
const SERVED_KINDS = ['small', 'post', 'download', 'upgrade'];
/** Memory of the last third may be over that of the middle one by this, MiB. */
const GROWTH_MIB = 24;

/** The first fault of a run, and none after a fifth of it: from a third on memory is compared. */
const EARLY_FAULT = 'controller killed';

/** What happens to the link, the second agent and the controller; the rest goes on meanwhile. */
const FAULTS: Readonly<Record<string, (random: () => number) => Promise<void>>> = {
  [EARLY_FAULT]: async () => {
    await rig.fairlead.controller.stop('SIGKILL');
    await rig.fairlead.startController();
    await waitFor('the agents to come back', isEveryAgentConnected);
  },
  'link cut': () => Promise.resolve(rig.link?.cut()),
  'link silent': async (random) => {
    rig.link?.impair({ isStalled: true });
    await delay(HEARTBEAT_TIMEOUT_MS * (0.5 + random()));
    rig.link?.impair({ isStalled: false });
    rig.link?.cut(); // what was swallowed is missing in the middle of it
  },
  'agent frozen': async (random) => {
    const [, victim] = rig.agents;
    victim?.process.kill('SIGSTOP');
    await delay(random() * 2000);
    victim?.process.kill('SIGCONT');
  },
  'agent killed': () => replaceAgent('SIGKILL'),
  'agent restarted': () => replaceAgent('SIGTERM'),
};

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
const durationMs = Number(values.minutes) * 60_000;
const seed = Number(values.seed);

const rig = await ServiceRig.start({
  link: { delayMs: 1 },
  agents: 2,
  controller: {
    limits: {
      reconnectMinMs: 50,
      reconnectMaxMs: 500,
      heartbeatIntervalMs: 500,
      heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
    },
  },
});
try {
  prepareTarget(rig);
  const faults = await soak();
  print(faults.length === 0 ? 'soak: all well' : `soak: FAILED\n  ${faults.join('\n  ')}`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await rig.stop();
}

/** Runs traffic and faults; returns what was wrong. */
async function soak(): Promise<string[]> {
  const faults: string[] = [];
  const counters = new Map<string, number>();
  const until = performance.now() + durationMs;
  const count = (what: string): void => void counters.set(what, (counters.get(what) ?? 0) + 1);
  const callers = Array.from({ length: CALLERS }, async (_, i) => {
    const random = seededRandom(seed * 1000 + i);
    while (performance.now() < until) await visit(random, count, faults);
  });
  const curve: number[][] = [];
  await Promise.all([
    ...callers,
    breakThings(until, count, faults),
    watchMemory(until, curve, counters),
  ]);
  faults.push(...grown(curve));
  await rig.settled(30_000).catch((reason: unknown) => faults.push(String(reason)));
  await waitFor('a session of each agent', isEveryAgentConnected).catch((reason: unknown) =>
    faults.push(String(reason)),
  );
  for (const kind of SERVED_KINDS) {
    if (!counters.has(`${kind}: served`)) faults.push(`no visit of the kind "${kind}" was served`);
  }
  for (const [what, times] of [...counters].sort()) print(`${what}: ${times}`);
  print(`descriptors at the end: ${rig.pids.map(openDescriptors).join(', ')}`);
  return faults;
}

async function visit(
  random: () => number,
  count: (what: string) => void,
  faults: string[],
): Promise<void> {
  const kinds = Object.keys(VISITS);
  const kind = kinds[Math.floor(random() * kinds.length)] ?? 'small';
  const hang = new AbortController();
  const isHung = delay(HANG_MS, 'hung' as const, { signal: hang.signal }).catch(
    () => 'left' as const,
  );
  try {
    const going = VISITS[kind]?.(rig, random) ?? Promise.resolve<Outcome>('left');
    const outcome = await Promise.race([going.catch(connectionFault), isHung]);
    count(`${kind}: ${outcome}`);
    if (outcome === 'hung') faults.push(`${kind} hung for ${HANG_MS / 1000} s`);
  } catch (reason) {
    faults.push(`${kind}: ${String(reason)}`);
  } finally {
    hang.abort();
  }
}

/** A connection that broke under a caller is part of the game; a wrong answer is not. */
function connectionFault(reason: unknown): Outcome {
  if (reason instanceof Error && 'code' in reason && reason.code !== 'ERR_ASSERTION')
    return 'broken';
  throw reason;
}

async function isEveryAgentConnected(): Promise<boolean> {
  return (await rig.fairlead.metric('fairlead_sessions')) === rig.agents.length;
}

/** One fault after the other, for as long as the soak lasts. Of the agents only the second one suffers. */
async function breakThings(
  until: number,
  count: (what: string) => void,
  faults: string[],
): Promise<void> {
  const random = seededRandom(seed);
  const early = until - durationMs * 0.8;
  const kinds = Object.keys(FAULTS);
  const lateKinds = kinds.filter((kind) => kind !== EARLY_FAULT);
  let what = EARLY_FAULT;
  while (performance.now() < until) {
    await delay(2000 + random() * 6000);
    count(`fault: ${what}`);
    await FAULTS[what]?.(random).catch((reason: unknown) => {
      faults.push(`${what}: ${String(reason)}`);
    });
    const possible = performance.now() < early ? kinds : lateKinds;
    what = possible[Math.floor(random() * possible.length)] ?? EARLY_FAULT;
  }
}

async function replaceAgent(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const [victim] = rig.agents.splice(1, 1);
  await Promise.all([victim?.stop(signal), rig.startAgent()]);
}

async function watchMemory(
  until: number,
  curve: number[][],
  counters: ReadonlyMap<string, number>,
): Promise<void> {
  const start = performance.now();
  print('   s  controller MiB  agents MiB      streams  queued KiB  visits');
  while (performance.now() < until) {
    await delay(Math.max(1000, durationMs / SAMPLES));
    const sample = await sampled().catch(() => undefined);
    if (sample === undefined) continue; // the controller is down
    const { memory, streams, queued } = sample;
    curve.push(memory);
    const [controller = 0, ...agents] = memory;
    const visits = [...counters.values()].reduce((sum, times) => sum + times, 0);
    const columns = [
      String(Math.round((performance.now() - start) / 1000)).padStart(4),
      oneDecimal(controller).padStart(14),
      agents.map(oneDecimal).join(' ').padStart(15),
      String(streams).padStart(8),
      String(Math.round(queued / 1024)).padStart(11),
      String(visits).padStart(7),
    ];
    print(columns.join(' '));
  }
}

async function sampled(): Promise<{ memory: number[]; streams: number; queued: number }> {
  return {
    memory: rig.pids.map(residentMib),
    streams: await rig.fairlead.metric('fairlead_streams_open'),
    queued: await rig.fairlead.metric('fairlead_queued_bytes'),
  };
}

/** Processes whose memory goes on growing: compares the medians of the middle and the last third. */
function grown(curve: readonly number[][]): string[] {
  const third = Math.floor(curve.length / 3);
  if (third < 3) return [];
  // the second agent is a new process now and then
  return ['controller', 'first agent'].flatMap((name, i) => {
    const of = (from: number): number =>
      median(curve.slice(from, from + third).map((at) => at[i] ?? 0));
    const before = of(third);
    const after = of(curve.length - third);
    if (after - before < GROWTH_MIB) return [];
    return [`memory of the ${name} grew from ${oneDecimal(before)} to ${oneDecimal(after)} MiB`];
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
