/**
 * Streams that a process of its own keeps open through a Fairlead, and what they cost there.
 */
import { z } from 'zod';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { residentMib, untilIdle } from '../harness/process-memory.js';
import { serviceToken } from '../harness/caller-credentials.js';
import { waitFor } from '../harness/wait-for.js';
import { reportOf, startProgram } from './bench-program.js';
import type { Contestant } from './contestant.js';
import type { FairleadTunnel } from './fairlead-tunnel.js';

export type HeldKind = 'watch' | 'reader' | 'upload';

const OPEN_MS = 150_000;
const openSchema = z.object({ seconds: z.number() });

/** A process with open streams. */
export interface Held {
  readonly program: ChildProgram;
  readonly streams: number;
  /** How long opening took. */
  readonly seconds: number;
  /** Ends the process; its kernel closes what it had open. */
  leave(): Promise<unknown>;
}

/** Opens streams to a service of an agent and keeps them. */
export async function holdStreams(
  tunnel: FairleadTunnel,
  agent: string,
  kind: HeldKind,
  streams: number,
): Promise<Held> {
  const { rig } = tunnel;
  const token = serviceToken(rig, `${agent}/generic/plain`);
  const options = { port: rig.ports.services, ca: rig.caPem, token, kind, streams };
  const program = startProgram('hold', options);
  try {
    const { seconds } = await reportOf(program, 'open', openSchema, OPEN_MS);
    return { program, streams, seconds, leave: () => program.stop('SIGKILL') };
  } catch (reason) {
    await program.stop('SIGKILL');
    throw reason;
  }
}

const FIRST_STREAMS = 50;

/**
 * Opens and leaves a few streams, so that the code for them is there before memory is looked at. More load
 * than this would leave a heap behind in which later streams cost nothing.
 */
export async function firstUse(
  tunnel: FairleadTunnel,
  agent: string,
  kind: HeldKind,
): Promise<void> {
  const held = await holdStreams(tunnel, agent, kind, FIRST_STREAMS);
  await held.leave();
  await untilReleased(tunnel);
}

/** Resident memory of controller and agent, MiB, when they have nothing more to do. */
export async function idleMib({ pids }: Contestant): Promise<[controller: number, agent: number]> {
  const { controller = [], agent = [] } = pids;
  await untilIdle([...controller, ...agent]);
  return [residentMib(controller[0] ?? 0), residentMib(agent[0] ?? 0)];
}

/** Waits until what callers stopped reading fills its windows and nothing moves any more. */
export async function untilHeldBack({ rig }: FairleadTunnel): Promise<void> {
  let before = -1;
  await waitFor(
    'queues to stand still',
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const now = await rig.metric('fairlead_queued_bytes');
      const isStill = now === before && now > 0;
      before = now;
      return isStill;
    },
    60_000,
  );
}

/** Rejects when a stream that is held has ended: what was measured beside them would be worth nothing. */
export async function checkStillHeld({ rig }: FairleadTunnel, all: readonly Held[]): Promise<void> {
  const streams = all.reduce((sum, held) => sum + held.streams, 0);
  const open = await rig.metric('fairlead_streams_open');
  if (open !== streams) throw new Error(`${open} streams are open, ${streams} should be`);
}

/** Waits until the controller holds no stream and no byte; ms that it took. */
export async function untilReleased({ rig }: FairleadTunnel): Promise<number> {
  const start = performance.now();
  await waitFor(
    'streams and bytes to be released',
    async () =>
      (await rig.metric('fairlead_streams_open')) === 0 &&
      (await rig.metric('fairlead_queued_bytes')) === 0,
    60_000,
  );
  return performance.now() - start;
}
