/**
 * What the controller knows of one connected agent process; read by the control API's statistics
 * and the metrics, written by the agent session alone.
 */
import type { AgentName, SessionId } from '../../shared/ids.js';
import type { ServiceAdvertisement } from '../../shared/service-advertisement.js';

/** A snapshot of one session. Times are ms since the epoch. */
export interface ConnectedAgent {
  readonly name: AgentName;
  readonly session: SessionId;
  readonly state: 'serving' | 'draining';
  readonly version: string;
  readonly hostname: string;
  readonly remoteAddress: string;
  readonly services: readonly ServiceAdvertisement[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly connectedAt: number;
  /** Last heartbeat received. */
  readonly lastPing: number;
  /** Start of the last stream, or undefined when there has been none. */
  readonly lastUse: number | undefined;
  readonly rttMs: number | undefined;
  readonly openStreams: number;
}

/** Who is connected now. */
export interface ConnectedAgents {
  list(): ConnectedAgent[];
}
