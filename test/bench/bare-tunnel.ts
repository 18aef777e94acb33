/**
 * The bare gRPC tunnel as a contestant: what the libraries of Fairlead cost without Fairlead.
 * programs/bare-near-program.ts tells what it leaves out.
 */
import { z } from 'zod';
import { reportOf, reportedPort } from './bench-program.js';
import type { startProgram } from './bench-program.js';
import { BARE_TUNNEL } from './contestant.js';
import type { Contestant } from './contestant.js';

/** Where it leads, and the certificate between its ends, which must be one for `localhost`. */
export interface BareTunnelOptions {
  readonly targetPort: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Starts both ends; resolves when requests can come. */
export async function startBareTunnel(
  start: typeof startProgram,
  { targetPort, ca, cert, key }: BareTunnelOptions,
): Promise<Contestant> {
  const near = start('bare-near', { cert, key });
  const nearPort = await reportedPort(near, 'listening');
  const far = start('bare-far', { nearPort, targetPort, ca });
  await reportOf(far, 'ready', z.object({}));
  const port = await reportedPort(near);
  return {
    name: BARE_TUNNEL,
    endpoint: { port, headers: {} },
    pids: { controller: [near.pid], agent: [far.pid] },
  };
}
