/**
 * Which sessions are open and how far away they are, as Prometheus series. Used by metrics.ts. Series go
 * when their session or agent does, so their number is bounded by what is connected.
 */
import { Gauge, type Registry } from 'prom-client';
import type { AgentName, SessionId } from '../ids.js';

/** Sessions by agent, shown in `registry`. */
export class SessionGauges {
  /** Open sessions of each connected agent, with the last round trip in ms. */
  readonly #agents = new Map<AgentName, Map<SessionId, number | undefined>>();

  /** `hasOldNames`: also under the names of the Go versions. */
  constructor(registry: Registry, hasOldNames: boolean) {
    this.#showCount(registry, 'fairlead_sessions', 'agent', 'Open sessions by agent.');
    this.#showRtt(registry);
    if (!hasOldNames) return;
    this.#showCount(registry, 'agents_connected', 'agent', 'As fairlead_sessions; the name in v2.');
    this.#showCount(registry, 'routess_connected', 'route', 'As fairlead_sessions; name in v3.5.');
  }

  /** Notes a session that has begun to serve; twice is once. */
  opened(agent: AgentName, session: SessionId): void {
    const sessions = this.#agents.get(agent) ?? new Map<SessionId, undefined>();
    if (!sessions.has(session)) sessions.set(session, undefined);
    this.#agents.set(agent, sessions);
  }

  /** Removes a session's series, and those of the agent when it was its last. */
  closed(agent: AgentName, session: SessionId): void {
    const sessions = this.#agents.get(agent);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#agents.delete(agent);
  }

  /** The last round trip of an open session; one that has closed is left alone. */
  observeRtt(agent: AgentName, session: SessionId, rttMs: number): void {
    const sessions = this.#agents.get(agent);
    if (sessions?.has(session) === true) sessions.set(session, rttMs);
  }

  #showCount(registry: Registry, name: string, label: 'agent' | 'route', help: string): void {
    const agents = this.#agents;
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [agent, sessions] of agents) this.set({ [label]: agent }, sessions.size);
      },
    });
  }

  #showRtt(registry: Registry): void {
    const agents = this.#agents;
    new Gauge({
      name: 'fairlead_session_rtt_seconds',
      // not by session: each reconnect would leave a series behind in Prometheus
      help: 'Round trip of the last heartbeat, of the slowest open session of each agent.',
      labelNames: ['agent'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [agent, sessions] of agents) {
          const slowestMs = slowest(sessions.values());
          if (slowestMs !== undefined) this.set({ agent }, slowestMs / 1_000);
        }
      },
    });
  }
}

/** Undefined while no heartbeat has come back. */
function slowest(rttsMs: Iterable<number | undefined>): number | undefined {
  let slowestMs: number | undefined;
  for (const rttMs of rttsMs) {
    if (rttMs !== undefined && rttMs > (slowestMs ?? -1)) slowestMs = rttMs;
  }
  return slowestMs;
}
