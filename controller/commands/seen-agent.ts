/**
 * Reads the control API's statistics as the `agents` command shows them. Tolerant: a controller of
 * another version, v3.5 included, may leave fields out.
 */
import { TunnelError } from '../../shared/errors.js';

/** One session, as far as the controller told. Times are ms since the epoch, on its clock. */
export interface SeenAgent {
  readonly name: string;
  readonly session: string;
  readonly state: string;
  readonly version: string;
  readonly hostname: string;
  readonly remoteAddress: string;
  /** `type/name`, followed by `!` when the agent cannot use the service. */
  readonly services: readonly string[];
  readonly connectedAt: number | undefined;
  readonly rttMs: number | undefined;
  readonly openStreams: number | undefined;
}

/** Who was connected when. */
export interface SeenAgents {
  readonly serverTime: number;
  /** By name, then oldest first. */
  readonly agents: readonly SeenAgent[];
}

/** Reads the JSON value of getAgentStatistics. Throws CONFIG_INVALID when it is something else. */
export function readSeenAgents(statistics: unknown): SeenAgents {
  const { connectedAgents, serverTime } = fieldsOf(statistics);
  if (!Array.isArray(connectedAgents) || typeof serverTime !== 'number') {
    throw new TunnelError(
      'CONFIG_INVALID',
      'the answer holds no agent statistics\nis that the control API (port 9003) of a controller?',
    );
  }
  const agents = connectedAgents.map(seenAgent);
  agents.sort(
    (one, other) =>
      one.name.localeCompare(other.name, 'en') || (one.connectedAt ?? 0) - (other.connectedAt ?? 0),
  );
  return { serverTime, agents };
}

function seenAgent(value: unknown): SeenAgent {
  const fields = fieldsOf(value);
  const endpoints = Array.isArray(fields['endpoints']) ? fields['endpoints'] : [];
  return {
    name: text(fields['name']),
    session: text(fields['session']),
    state: text(fields['state']),
    version: text(fields['version']),
    hostname: text(fields['hostname']),
    remoteAddress: text(fields['remoteAddress']),
    services: endpoints.map(serviceText),
    connectedAt: number(fields['connectedAt']),
    rttMs: number(fields['rttMs']),
    openStreams: number(fields['openStreams']),
  };
}

function serviceText(value: unknown): string {
  const { type, name, configured } = fieldsOf(value);
  return `${text(type)}/${text(name)}${configured === true ? '' : '!'}`;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return value as Record<string, unknown>; // a JSON object; each field is checked where it is used
}

/** Agents name themselves: what they send must not reach a terminal as escape sequences. */
function text(value: unknown): string {
  return typeof value === 'string' ? value.replace(/\p{Cc}/gu, '?') : '';
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
