/**
 * Keeps a session with a controller for ever: backoff around connect-once.ts, the addresses in turn, and
 * a new session before a draining one is given up. One line in the log per transition.
 */
import { Backoff } from '../../shared/backoff.js';
import type { Clock, Timer } from '../../shared/clock.js';
import { hostPortText } from '../../shared/config/host-port.js';
import type { HostPort } from '../../shared/config/host-port.js';
import { TunnelError } from '../../shared/errors.js';
import { LogField } from '../../shared/log.js';
import type { Log } from '../../shared/log.js';
import type { TunnelSession } from '../../shared/protocol/tunnel-session.js';
import type { ServingSession, FailedSession, SessionEnd } from './connect-once.js';
import { firstToServe } from './first-to-serve.js';

/** What the loop works with. */
export interface StayConnectedParts {
  readonly controllers: readonly HostPort[];
  readonly limits: { readonly reconnectMinMs: number; readonly reconnectMaxMs: number };
  readonly clock: Clock;
  readonly log: Log;
  /** Opens one session, giving up when `signal` aborts before it serves; never rejects. */
  connect(
    address: HostPort,
    generation: number,
    signal: AbortSignal,
  ): Promise<ServingSession | FailedSession>;
  /** A session serves, or the last one has ended. */
  onChange(): void;
  onReconnect(reason: string): void;
}

/** A session that serves, and where. */
interface DialledSession extends ServingSession {
  readonly address: HostPort;
  readonly connectMs: number;
}

/** A session that lasted this long shows that the way is free: the next wait is short again. */
const LASTED_MS = 10_000;

/** The loop; runs from `start` to `stop`. */
export class ControllerLink {
  readonly #parts: StayConnectedParts;
  readonly #backoff: Backoff;
  /** Serving and draining sessions, newest last. */
  readonly #sessions: TunnelSession[] = [];
  readonly #stopping = new AbortController();
  #wake: (() => void) | undefined;
  #generation = 0;
  #turn = 0;
  #lostAt: number | undefined;
  #lastError: TunnelError | undefined;

  constructor(parts: StayConnectedParts) {
    this.#parts = parts;
    const { reconnectMinMs: minMs, reconnectMaxMs: maxMs } = parts.limits;
    this.#backoff = new Backoff({ minMs, maxMs, random: Math.random });
  }

  /** Runs until `stop`; resolves then. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      const end = await this.#oneSession();
      if (this.#isStopped || end === undefined) continue;
      await this.#pause(end);
    }
  }

  /** The session to open streams on, if any. */
  get current(): TunnelSession | undefined {
    return this.#sessions.findLast((session) => session.isServing);
  }

  /** Every session that is open. */
  get sessions(): readonly TunnelSession[] {
    return this.#sessions;
  }

  /** Why there is no session, for readiness. */
  get lastError(): TunnelError | undefined {
    return this.#lastError;
  }

  /** Tells the controllers that this agent stops; resolves when open streams are done. */
  async drain(reason: string): Promise<void> {
    this.#stop();
    await Promise.all(this.#sessions.map((session) => session.drain(reason)));
  }

  /** Ends all sessions. */
  close(): void {
    this.#stop();
    const error = new TunnelError('DRAINING', 'the agent stops');
    for (const session of [...this.#sessions]) session.close(error);
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** No more sessions; the one being dialled is given up. */
  #stop(): void {
    this.#stopping.abort();
    this.#wake?.();
  }

  /** Opens a session and stays until it ends or drains; undefined: connect anew at once. */
  async #oneSession(): Promise<SessionEnd | undefined> {
    const { clock } = this.#parts;
    this.#generation++; // of all dials side by side: none of their sessions replaces another
    const session = await firstToServe({
      clock,
      signal: this.#stopping.signal,
      dial: (signal) => this.#dial(signal),
      onFailed: (end) => this.#failed(end, {}),
    });
    if ('end' in session) return session.end;
    this.#serving(session);
    const servingMs = clock.monotonicMs();
    const end = await Promise.race([session.closed, session.draining.then(() => undefined)]);
    const hasLasted = clock.monotonicMs() - servingMs >= LASTED_MS;
    if (hasLasted) this.#backoff.reset();
    if (end === undefined && !this.#isStopped) {
      this.#parts.log.info('the controller stops; connecting anew before the session ends');
      // an ingress may lead to the one that stops again and again
      if (!hasLasted) await this.#wait(this.#backoff.nextMs());
    }
    return end;
  }

  async #dial(signal: AbortSignal): Promise<DialledSession | FailedSession> {
    const { clock } = this.#parts;
    const address = this.#nextAddress();
    const startedMs = clock.monotonicMs();
    const session = await this.#parts.connect(address, this.#generation, signal);
    if ('end' in session) return session;
    return { ...session, address, connectMs: clock.monotonicMs() - startedMs };
  }

  #serving(session: DialledSession): void {
    const { log, clock, onChange } = this.#parts;
    const { tunnel, welcome, address, connectMs } = session;
    this.#sessions.push(tunnel);
    this.#lastError = undefined;
    if (this.#isStopped) tunnel.close(new TunnelError('DRAINING', 'the agent stops'));
    log.info(
      {
        controller: hostPortText(address),
        [LogField.sessionId]: welcome.session,
        [LogField.version]: welcome.build,
        connectMs: Math.round(connectMs),
        ...(this.#lostAt === undefined ? {} : { wasDownMs: clock.now() - this.#lostAt }),
      },
      'connected',
    );
    this.#lostAt = undefined;
    onChange();
    void session.closed.then((end) => this.#closed(tunnel, end));
  }

  #closed(tunnel: TunnelSession, end: SessionEnd): void {
    const { clock, onChange } = this.#parts;
    const index = this.#sessions.indexOf(tunnel);
    if (index >= 0) this.#sessions.splice(index, 1);
    if (this.#sessions.length === 0) {
      this.#lostAt = clock.now();
      this.#lastError = end.error;
    }
    onChange();
  }

  /** Waits before the next attempt; a refusal is tried again too, as a new certificate may be mounted. */
  async #pause(end: SessionEnd): Promise<void> {
    const waitMs = end.final ? this.#parts.limits.reconnectMaxMs : this.#backoff.nextMs();
    this.#failed(end, { retryMs: Math.round(waitMs) });
    await this.#wait(waitMs);
  }

  #failed({ error, final }: SessionEnd, next: { readonly retryMs?: number }): void {
    const { log, onReconnect } = this.#parts;
    this.#lastError = error;
    onReconnect(error.code);
    const facts = { [LogField.reason]: error.message, code: error.code, ...next };
    if (final) log.error(facts, 'refused by the controller');
    else log.warn(facts, 'not connected');
  }

  /** Waits, or until the link is stopped. */
  async #wait(waitMs: number): Promise<void> {
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      // this timer keeps the process alive: without a session nothing else does
      timer = this.#parts.clock.after(waitMs, resolve, true);
    });
    timer?.cancel();
  }

  #nextAddress(): HostPort {
    const { controllers } = this.#parts;
    const address = controllers[this.#turn++ % controllers.length];
    if (address === undefined) throw new TunnelError('CONFIG_INVALID', 'no controller configured');
    return address;
  }
}
