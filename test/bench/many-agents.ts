/**
 * Very many agents of a Fairlead, played by one process.
 */
import { z } from 'zod';
import { reportOf, startProgram } from './bench-program.js';
import type { FairleadTunnel } from './fairlead-tunnel.js';

const CONNECT_MS = 120_000;

/** Connected agents. */
export interface ManyAgents {
  /** How long connecting took, certificates included. */
  readonly seconds: number;
  /** Resolves when all of them have lost the controller and are connected again. */
  back(): Promise<unknown>;
  stop(): Promise<unknown>;
}

/** Connects agents and waits until all are. */
export async function connectAgents({ rig }: FairleadTunnel, agents: number): Promise<ManyAgents> {
  const program = startProgram('agents', {
    port: rig.ports.agents,
    caCertFile: rig.path('ca', 'ca-cert.pem'),
    caKeyFile: rig.path('ca', 'ca-key.pem'),
    agents,
  });
  const stop = () => program.stop('SIGKILL');
  try {
    const schema = z.object({ seconds: z.number() });
    const { seconds } = await reportOf(program, 'connected', schema, CONNECT_MS);
    const back = () => reportOf(program, 'back', z.object({ agents: z.number() }), CONNECT_MS);
    return { seconds, back, stop };
  } catch (reason) {
    await stop();
    throw reason;
  }
}
