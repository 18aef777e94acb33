/**
 * The bare gRPC tunnel as a contestant: what the libraries of Fairlead cost without Fairlead.
 * programs/bare-near-program.ts tells what it leaves out.
 */
import { z } from 'zod';
import { reportOf, reportedPort } from './bench-program.js';
import type { startProgram } from './bench-program.js';
import { BARE_TUNNEL, BARE_TUNNEL_OVER_TLS } from './contestant.js';
import type { Contestant } from './contestant.js';

/** Where it leads, and the certificate of its near end, which must be one for `localhost`; callers may have one of `ca`. */
export interface BareTunnelOptions {
  readonly targetPort: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** One tunnel, and two ways to it. */
export interface BareTunnel {
  readonly plainCallers: Contestant;
  readonly tlsCallers: Contestant;
}

const portsSchema = z.object({ port: z.number(), tlsPort: z.number() });

/** Starts both ends; resolves when requests can come. */
export async function startBareTunnel(
  start: typeof startProgram,
  { targetPort, ca, cert, key }: BareTunnelOptions,
): Promise<BareTunnel> {
  const near = start('bare-near', { cert, key, clientCa: ca });
  const nearPort = await reportedPort(near, 'listening');
  const far = start('bare-far', { nearPort, targetPort, ca });
  await reportOf(far, 'ready', z.object({}));
  const { port, tlsPort } = await reportOf(near, 'ready', portsSchema);
  const pids = { controller: [near.pid], agent: [far.pid] };
  return {
    plainCallers: { name: BARE_TUNNEL, endpoint: { port, headers: {} }, pids },
    tlsCallers: {
      name: BARE_TUNNEL_OVER_TLS,
      endpoint: { port: tlsPort, tls: { ca }, headers: {} },
      pids,
    },
  };
}
