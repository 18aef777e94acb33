/**
 * Flow control of one stream and direction: how many bytes the peer may still send us, and we it.
 * At zero the source pauses. The receiver's window grows towards rate x round-trip time while its
 * reader keeps up, within a budget, and shrinks when others would wait behind what it lets in.
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

/** What a receive window needs to know to change its size. One for all streams of a session. */
export interface WindowGrowth {
  /** The largest window so far: what the path takes, so that the next fast stream grows to it in larger steps. */
  reachedBytes: number;
  /** Streams that the session has had so far, one window each: whether others come and go beside a long one. */
  openedStreams: number;
  readonly maxWindowBytes: number;
  readonly budget: BufferBudget;
  /** Round-trip time of the path alone in ms, or undefined while unknown. */
  readonly rttMs: () => number | undefined;
  readonly nowMs: () => number;
}

/** Credit is returned when this share of the window has been consumed: few frames, no stall. */
const CREDIT_SHARE = 4;

/**
 * What has passed in this long at least says how fast a stream is. What came while a process was busy is taken at
 * once, and would be thought to be a fast path.
 */
const LOOK_MS = 20;

/**
 * Round trip that a lone stream's window is sized by at the least: processes that share processors take as long for
 * a turn each. Requests beside it would wait behind all of that, so then the path alone counts.
 */
const TURNS_MS = 2;

/** How many times larger a window gets. */
const STEP = 2;
/** The same, up to what was reached before. Not at once: a reader that stops would hold far more than it has taken. */
const KNOWN_STEP = 4;

/** Bytes that the peer may still send us on a stream. Reserves its size in the budget. */
export class ReceiveWindow {
  readonly #growth: WindowGrowth;
  readonly #initialSize: number;
  #size: number;
  /** Credit the peer holds. */
  #outstanding: number;
  /** Received, not yet consumed. */
  #buffered = 0;
  /** Consumed, not yet given back as credit. */
  #owed = 0;
  /** Since the size was last looked at. */
  #lookBytes = 0;
  #lookMs: number;
  #lookStreams: number;
  #isClosed = false;

  /** `initialBytes` have been reserved in the budget by the caller; `close` returns them. */
  constructor(initialBytes: number, growth: WindowGrowth) {
    this.#initialSize = initialBytes;
    this.#size = initialBytes;
    this.#outstanding = initialBytes;
    this.#growth = growth;
    this.#lookMs = initialBytes === 0 ? 0 : growth.nowMs();
    this.#lookStreams = ++growth.openedStreams;
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
    this.#lookBytes += bytes;
    if (this.#owed < this.#size / CREDIT_SHARE) return 0;
    const credit = this.#owed + this.#resize();
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
   * A window that empties in less than two round trips is what limits the sender, so it grows; not when the reader
   * is behind, as more bytes would then only wait here. One that takes more than four fills a queue, which others
   * wait behind. Returns the change.
   */
  #resize(): number {
    if (this.#lookBytes < this.#size) return 0;
    const { nowMs, rttMs, openedStreams } = this.#growth;
    const now = nowMs();
    const elapsedMs = now - this.#lookMs;
    if (elapsedMs < LOOK_MS) return 0;
    const windowMs = (elapsedMs * this.#size) / this.#lookBytes;
    const isAlone = openedStreams === this.#lookStreams;
    this.#lookBytes = 0;
    this.#lookMs = now;
    this.#lookStreams = openedStreams;
    const pathMs = rttMs();
    if (pathMs === undefined) return 0;
    const roundMs = isAlone ? Math.max(pathMs, TURNS_MS) : pathMs;
    if (windowMs <= 2 * roundMs) return this.#buffered > this.#size / 2 ? 0 : this.#grow();
    return isAlone || windowMs <= 4 * roundMs ? 0 : this.#shrink();
  }

  #grow(): number {
    const doubled = STEP * this.#size;
    const known = Math.min(this.#growth.reachedBytes, KNOWN_STEP * this.#size);
    return this.#growTo(Math.max(known, doubled)) || this.#growTo(doubled);
  }

  #growTo(wantedBytes: number): number {
    const growth = Math.min(wantedBytes, this.#growth.maxWindowBytes) - this.#size;
    if (growth <= 0 || !this.#growth.budget.reserveGrowth(growth)) return 0;
    this.#size += growth;
    this.#growth.reachedBytes = Math.max(this.#growth.reachedBytes, this.#size);
    return growth;
  }

  /** By what is owed: credit that the peer holds cannot be taken back. */
  #shrink(): number {
    const bytes = Math.min(this.#owed, this.#size - this.#initialSize);
    this.#shrinkTo(this.#size - bytes);
    return -bytes;
  }
}
