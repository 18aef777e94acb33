/**
 * Flow control of one stream and direction: how many bytes the peer may still send us, and we it.
 * At zero the source pauses. The receiver's window grows towards rate x round-trip time while its
 * reader keeps up, within a budget; it never shrinks.
 */
import { TunnelError } from '../errors.js';
import { PROTOCOL_LIMITS } from './frame.js';
import type { BufferBudget } from './buffer-budget.js';

/** Bytes that we may still send on a stream. */
export class SendWindow {
  #available: number;

  constructor(initialBytes: number) {
    this.#available = initialBytes;
  }

  get available(): number {
    return this.#available;
  }

  take(bytes: number): void {
    this.#available -= bytes;
  }

  /** Adds credit that the peer granted. Throws PROTOCOL_VIOLATION when the sum is over the limit. */
  grant(bytes: number): void {
    this.#available += bytes;
    if (this.#available > PROTOCOL_LIMITS.maxWindowBytes) {
      throw new TunnelError('PROTOCOL_VIOLATION', 'credit over the largest window');
    }
  }
}

/** What a receive window needs to know to grow. One for all streams of a session. */
export interface WindowGrowth {
  /** The largest window so far: what the path takes, so that the next fast stream grows to it in larger steps. */
  reachedBytes: number;
  readonly maxWindowBytes: number;
  readonly budget: BufferBudget;
  /** Round-trip time of the session in ms, or undefined while unknown. */
  readonly rttMs: () => number | undefined;
  readonly nowMs: () => number;
}

/** Credit is returned when this share of the window has been consumed: few frames, no stall. */
const CREDIT_SHARE = 4;

/** How many times larger a window gets. */
const STEP = 2;
/** The same, up to what was reached before. Not at once: a reader that stops would hold far more than it has taken. */
const KNOWN_STEP = 4;

/** Bytes that the peer may still send us on a stream. Reserves its size in the budget. */
export class ReceiveWindow {
  readonly #growth: WindowGrowth;
  #size: number;
  /** Credit the peer holds. */
  #outstanding: number;
  /** Received, not yet consumed. */
  #buffered = 0;
  /** Consumed, not yet given back as credit. */
  #owed = 0;
  #epochStartMs: number;
  #epochBytes = 0;
  #isClosed = false;

  /** `initialBytes` have been reserved in the budget by the caller; `close` returns them. */
  constructor(initialBytes: number, growth: WindowGrowth) {
    this.#size = initialBytes;
    this.#outstanding = initialBytes;
    this.#growth = growth;
    this.#epochStartMs = initialBytes === 0 ? 0 : growth.nowMs();
  }

  get size(): number {
    return this.#size;
  }

  get buffered(): number {
    return this.#buffered;
  }

  /** Notes bytes that arrived. Throws PROTOCOL_VIOLATION when the peer had no credit for them. */
  received(bytes: number): void {
    if (bytes > this.#outstanding) {
      throw new TunnelError('PROTOCOL_VIOLATION', 'data sent without credit');
    }
    this.#outstanding -= bytes;
    this.#buffered += bytes;
  }

  /** Notes bytes that the reader has taken; returns the credit to grant now, 0 for none yet. */
  consumed(bytes: number): number {
    // a reader that reports late, after `discard`, has nothing left to give back
    this.#buffered = Math.max(0, this.#buffered - bytes);
    if (this.#isClosed) {
      this.#shrinkTo(this.#buffered);
      return 0;
    }
    this.#owed += bytes;
    this.#epochBytes += bytes;
    if (this.#owed < this.#size / CREDIT_SHARE) return 0;
    const credit = this.#owed + this.#grow();
    this.#owed = 0;
    this.#outstanding += credit;
    return credit;
  }

  /**
   * The stream is over: returns the reservation, except for bytes that still wait for their reader;
   * those follow as they are consumed, or with `discard`. Twice is safe.
   */
  close(): void {
    this.#isClosed = true;
    this.#shrinkTo(this.#buffered);
  }

  /** The reader is gone: what still waits is not held any more. */
  discard(): void {
    this.#buffered = 0;
    this.close();
  }

  #shrinkTo(bytes: number): void {
    this.#growth.budget.release(this.#size - bytes);
    this.#size = bytes;
  }

  /**
   * A window that empties in less than two round trips is what limits the sender, so it grows; not
   * when the reader is behind, as more bytes would then only wait here.
   */
  #grow(): number {
    if (this.#epochBytes < this.#size) return 0;
    const nowMs = this.#growth.nowMs();
    const elapsedMs = nowMs - this.#epochStartMs;
    this.#epochStartMs = nowMs;
    this.#epochBytes = 0;
    const rttMs = this.#growth.rttMs();
    if (rttMs === undefined || elapsedMs > 2 * rttMs || this.#buffered > this.#size / 2) return 0;
    const doubled = STEP * this.#size;
    const known = Math.min(this.#growth.reachedBytes, KNOWN_STEP * this.#size);
    return this.#growTo(Math.max(known, doubled)) || this.#growTo(doubled);
  }

  /** Returns by how much it has grown. */
  #growTo(wantedBytes: number): number {
    const growth = Math.min(wantedBytes, this.#growth.maxWindowBytes) - this.#size;
    if (growth <= 0 || !this.#growth.budget.reserveGrowth(growth)) return 0;
    this.#size += growth;
    this.#growth.reachedBytes = Math.max(this.#growth.reachedBytes, this.#size);
    return growth;
  }
}
