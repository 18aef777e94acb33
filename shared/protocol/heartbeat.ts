/**
 * Liveness of a session: pings both ways, round-trip time, and the verdict that the peer is gone.
 * Transport keepalive proves only the first hop (a proxy answers for the peer), hence messages of ours.
 */
import type { Clock, Timer } from '../clock.js';
import { PathRtt } from './path-rtt.js';

/** How a heartbeat is set up. */
export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  sendPing(id: number): void;
  /** Nothing has been heard for `timeoutMs`. Called once. */
  onDead(silentMs: number): void;
  onRtt(rttMs: number): void;
}

/** Share of a new sample in the smoothed round-trip time (RFC 6298 section 2). */
const RTT_GAIN = 1 / 8;
/** How often silence is looked at, at the least four times per timeout; a thousand sessions do so. */
const CHECK_MS = 5000;
/** A look that comes this late, or a quarter of the timeout, means that this process itself was stopped. */
const FROZEN_MS = 4000;

/** Runs from the start of a session to its end. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #timers: Timer[];
  /** Set when the peer's time ends before the next look. */
  #lastLook: Timer | undefined;
  readonly #sentAt = new Map<number, number>();
  #nextId = 1;
  #lastHeard: number;
  readonly #checkMs: number;
  /** When silence is looked at next, at the latest. */
  #nextLookMs: number;
  #rttMs: number | undefined;
  readonly #pathRtt = new PathRtt();

  constructor(options: HeartbeatOptions) {
    const { clock, intervalMs } = options;
    this.#options = options;
    this.#checkMs = Math.min(CHECK_MS, options.timeoutMs / 4);
    this.#lastHeard = clock.monotonicMs();
    this.#nextLookMs = this.#lastHeard + this.#checkMs;
    this.#timers = [
      clock.every(intervalMs, () => void this.ping()),
      clock.every(this.#checkMs, () => this.#check()),
    ];
    this.ping();
  }

  /** Smoothed round-trip time in ms, undefined before the first answer. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** Round-trip time of the path alone in ms, undefined before the first answer. */
  get pathRttMs(): number | undefined {
    return this.#pathRtt.ms;
  }

  /** Sends a ping now; returns its id. */
  ping(): number {
    const id = this.#nextId++;
    this.#sentAt.set(id, this.#options.clock.monotonicMs());
    this.#options.sendPing(id);
    return id;
  }

  /** Something arrived from the peer. */
  heard(): void {
    this.#lastHeard = this.#options.clock.monotonicMs();
  }

  /** A pong arrived; false when nobody asked for it. */
  pong(id: number): boolean {
    const sentAt = this.#sentAt.get(id);
    if (sentAt === undefined) return false;
    this.#sentAt.delete(id);
    const now = this.#options.clock.monotonicMs();
    const sample = now - sentAt;
    this.#rttMs =
      this.#rttMs === undefined ? sample : this.#rttMs + (sample - this.#rttMs) * RTT_GAIN;
    this.#pathRtt.add(sample, now);
    this.#options.onRtt(this.#rttMs);
    return true;
  }

  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#lastLook?.cancel();
    this.#sentAt.clear();
  }

  #check(): void {
    const { clock, timeoutMs } = this.#options;
    const now = clock.monotonicMs();
    const wasFrozen = now - this.#nextLookMs > Math.min(FROZEN_MS, timeoutMs / 4);
    // after SIGSTOP or a suspended machine the peer's messages wait in the socket: hear them first
    if (wasFrozen) this.#lastHeard = now;
    const silentMs = now - this.#lastHeard;
    this.#lastLook?.cancel();
    const leftMs = timeoutMs - silentMs;
    if (leftMs > 0) {
      this.#nextLookMs = now + Math.min(leftMs, this.#checkMs);
      if (leftMs < this.#checkMs) this.#lastLook = clock.after(leftMs, () => this.#check());
      return;
    }
    this.stop();
    this.#options.onDead(silentMs);
  }
}
