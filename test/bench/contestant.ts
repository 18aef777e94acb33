/**
 * A way from a caller to the target. Every contestant of a row is given the same load in the same run.
 */
import type { Endpoint } from './endpoint.js';

/** Names of the others, by which rows find their figures. */
export const DIRECT = 'direct';
export const SSH = 'ssh -R';
export const HOP = 'one http-proxy hop';
export const PIPES = 'two bare TLS pipes';
export const GRPC_PIPES = 'two bare gRPC pipes';
export const BARE_SERVER = 'bare node:https server';
export const RAW_TLS = 'raw TLS stream';
export const BARE_TUNNEL = 'bare gRPC tunnel';
export const BARE_TUNNEL_OVER_TLS = `${BARE_TUNNEL}, TLS callers`;

/** The two ends of a tunnel: what stands in for controller and agent. */
export type Role = 'controller' | 'agent';

/** One way to the target. */
export interface Contestant {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Processes whose CPU time and memory are counted; none for a direct connection. */
  readonly pids: Readonly<Partial<Record<Role, readonly number[]>>>;
}

/** Calls each contestant in turn, round after round (A B C A B C), so that all see the same noise. */
export async function inTurn<T>(
  contestants: readonly T[],
  rounds: number,
  measure: (contestant: T, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) await measure(contestant, round);
  }
}
