/**
 * Who is connected: sessions by agent name. The one place that adds and removes them, replaces ghosts
 * and chooses the session for a route.
 */
import type { Clock, Timer } from '../../shared/clock.js';
import { TunnelError } from '../../shared/errors.js';
import { forgetOldest } from '../../shared/forget-oldest.js';
import type { AgentName, Route } from '../../shared/ids.js';
import { serviceText } from '../../shared/ids.js';
import type { TunnelSession } from '../../shared/protocol/tunnel-session.js';
import type { AgentSession } from './agent-session.js';
import type { ConnectedAgent, ConnectedAgents } from './connected-agent.js';

/** An agent that left is expected back for this long: its callers wait, and are told to try again. */
const EXPECTED_BACK_MS = 15_000;
/** Names remembered for "last seen" texts. */
const MAX_REMEMBERED = 10_000;

/** The connected agents. */
export class AgentRegistry implements ConnectedAgents {
  readonly #clock: Clock;
  readonly #sessions = new Map<AgentName, Set<AgentSession>>();
  readonly #lastSeen = new Map<AgentName, number>();
  readonly #waiting = new Map<AgentName, Set<() => void>>();
  #turn = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Every session that serves or drains. */
  *sessions(): IterableIterator<AgentSession> {
    for (const sessions of this.#sessions.values()) yield* sessions;
  }

  /** Bytes held for streams of all sessions. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const { tunnel } of this.sessions()) bytes += tunnel.queuedBytes;
    return bytes;
  }

  list(): ConnectedAgent[] {
    return [...this.sessions()].map((session) => session.snapshot());
  }

  /** Adds a session that serves; an older one of the same process is a ghost and is closed at once. */
  add(session: AgentSession): void {
    const { id, generation } = session.instance;
    const sessions = this.#sessions.get(session.name) ?? new Set();
    // before the ghost is closed: its requests are sent again at that moment, over this one
    sessions.add(session);
    this.#sessions.set(session.name, sessions);
    for (const other of [...sessions]) {
      if (
        other.instance.id === id &&
        other.instance.generation < generation &&
        other.tunnel.isServing
      ) {
        other.tunnel.close(
          new TunnelError('AGENT_LOST', 'replaced by a newer session of the same agent'),
        );
      }
    }
    this.#wake(session.name);
  }

  /** Removes a session that is over. */
  remove(session: AgentSession): void {
    const sessions = this.#sessions.get(session.name);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#sessions.delete(session.name);
    this.#remember(session.name);
  }

  /** A session's services or willingness changed: those who wait may look again. */
  changed(session: AgentSession): void {
    this.#wake(session.name);
  }

  /**
   * The session to use for a route: serving, offering the service, least loaded first, in turn among
   * equals. Throws AGENT_NOT_CONNECTED or SERVICE_NOT_OFFERED.
   */
  choose(route: Route, failed: ReadonlySet<TunnelSession>): AgentSession {
    const candidates = this.#candidates(route, failed);
    let best: AgentSession | undefined;
    const start = this.#turn++;
    for (let i = 0; i < candidates.length; i++) {
      const session = candidates[(start + i) % candidates.length];
      if (session === undefined) continue;
      if (best === undefined || session.tunnel.openStreams < best.tunnel.openStreams)
        best = session;
    }
    if (best === undefined) throw this.#noSession(route);
    best.used();
    return best;
  }

  /** Whether a request for the route would find a session now. */
  has(route: Route): boolean {
    return this.#candidates(route, NONE).length > 0;
  }

  /** Whether no agent of that name serves, but one did a moment ago or drains (and is being replaced). */
  isExpectedBack(agent: AgentName): boolean {
    const sessions = this.#sessions.get(agent);
    // those that drain, or are ending at this moment
    if (sessions !== undefined) return [...sessions].every(({ tunnel }) => !tunnel.isServing);
    const seenAt = this.#lastSeen.get(agent);
    return seenAt !== undefined && this.#clock.now() - seenAt < EXPECTED_BACK_MS;
  }

  /** Resolves when a session of that name appears or changes, or after `timeoutMs`. */
  async change(agent: AgentName, timeoutMs: number): Promise<void> {
    let timer: Timer | undefined;
    const waiting = this.#waiting.get(agent) ?? new Set();
    this.#waiting.set(agent, waiting);
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(agent);
        timer?.cancel();
        resolve();
      };
      waiting.add(wake);
      timer = this.#clock.after(timeoutMs, wake);
    });
  }

  #candidates(route: Route, failed: ReadonlySet<TunnelSession>): AgentSession[] {
    const usable: AgentSession[] = [];
    const faulty: AgentSession[] = [];
    for (const session of this.#sessions.get(route.agent) ?? []) {
      if (!session.tunnel.isServing || failed.has(session.tunnel)) continue;
      const offered = session.offers(route.service);
      if (offered?.configured === true) usable.push(session);
      else if (offered !== undefined) faulty.push(session);
    }
    // an agent that knows the service but cannot use it says why
    return usable.length > 0 ? usable : faulty;
  }

  #noSession(route: Route): TunnelError {
    const { agent, service } = route;
    const isHere = [...(this.#sessions.get(agent) ?? [])].some((one) => one.tunnel.isServing);
    if (isHere) {
      const text = `agent "${agent}" is connected but does not offer ${serviceText(service)}`;
      return new TunnelError('SERVICE_NOT_OFFERED', text);
    }
    const seenAt = this.#sessions.has(agent) ? this.#clock.now() : this.#lastSeen.get(agent);
    const seen =
      seenAt === undefined ? 'not seen yet' : `last seen ${new Date(seenAt).toISOString()}`;
    const text = `agent "${agent}" is not connected (${seen})`;
    // a short known gap: it lost its connection a moment ago
    const retry = this.isExpectedBack(agent) ? { retryAfterSeconds: 1 } : {};
    return new TunnelError('AGENT_NOT_CONNECTED', text, retry);
  }

  #remember(agent: AgentName): void {
    this.#lastSeen.delete(agent);
    this.#lastSeen.set(agent, this.#clock.now());
    forgetOldest(this.#lastSeen, MAX_REMEMBERED);
  }

  #wake(agent: AgentName): void {
    for (const wake of [...(this.#waiting.get(agent) ?? [])]) wake();
  }
}

const NONE: ReadonlySet<TunnelSession> = new Set();
