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
export interface WindowSizing {
  /** The largest window so far: what the path takes, so that the next fast stream grows to it in larger steps. */
  reachedBytes: number;
  /** Streams that the session has had so far: whether others come beside a long one. */
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
 * once, and would be thought to be a fast path. Longer paths are measured by a round trip, or by their first window.
 */
const MEASURE_MS = 20;

/** What is consumed within this of the first byte came in its message, or could not have come faster. */
const AT_ONCE_MS = 1;

/** A window that empties in so many round trips may be what limits the sender, and grows. */
const GROW_ROUNDS = 2;
/** What it lets in beyond so many is a queue, which all other streams of the session wait behind. */
const SHRINK_ROUNDS = 4;

/** The least round trip that windows are sized by while nobody waits: what busy processes take for a turn each. */
const TURNS_MS = 2;
/** How long streams that were opened make others likely. */
const NEWCOMERS_MS = 1000;
/** A queue of this size is no delay worth its price: windows do not shrink below, and grow up to it beside others, too. */
const SMALL_QUEUE_BYTES = 256 * 1024;

/** How many times larger a window gets. */
const STEP = 2;
/** The same, up to what was reached before. Not at once: a reader that stops would hold far more than it has taken. */
const KNOWN_STEP = 4;

/** Bytes that the peer may still send us on a stream. Reserves its size in the budget. */
export class ReceiveWindow {
  readonly #sizing: WindowSizing;
  #size: number;
  /** Credit the peer holds. */
  #outstanding: number;
  /** Received, not yet consumed. */
  #buffered = 0;
  /** Consumed, not yet given back as credit. */
  #owed = 0;
  /** Consumed since the speed was measured last, and when that was; for the first time, when the first bytes came. */
  #measuredBytes = 0;
  #measuredAtMs: number | undefined;
  /** Of the first measurement: what was consumed when its time began. */
  #earlyBytes = 0;
  #isMeasured = false;
  /** What `openedStreams` was then, and when it was last seen to have changed. */
  #knownStreams: number;
  #newcomersAtMs = -Infinity;
  #isClosed = false;

  /** `initialBytes` have been reserved in the budget by the caller; `close` returns them. */
  constructor(initialBytes: number, sizing: WindowSizing) {
    this.#size = initialBytes;
    this.#outstanding = initialBytes;
    this.#sizing = sizing;
    this.#knownStreams = sizing.openedStreams;
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
    // not from the opening on: the way of the request, and what the sender thinks, are not its speed
    this.#measuredAtMs ??= this.#sizing.nowMs();
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
    this.#measuredBytes += bytes;
    if (!this.#isMeasured && this.#elapsedMs(this.#sizing.nowMs()) < AT_ONCE_MS)
      this.#earlyBytes += bytes;
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
    this.#sizing.budget.release(this.#size - bytes);
    this.#size = bytes;
  }

  /**
   * Grows a window that limits its sender, unless the reader is behind, as more bytes would then only wait here;
   * shrinks one that fills a queue for others. A source that pauses looks like a queue, and has to grow again. Returns
   * the change, which takes away no more than is owed.
   */
  #resize(): number {
    if (this.#measuredBytes < this.#size) return 0;
    const { nowMs, rttMs, openedStreams } = this.#sizing;
    const pathMs = rttMs();
    if (pathMs === undefined) return 0;
    const now = nowMs();
    const elapsedMs = this.#elapsedMs(now);
    if (elapsedMs < MEASURE_MS && pathMs < MEASURE_MS) return 0;
    const measuredBytes = this.#measuredBytes - this.#earlyBytes;
    const windowMs = measuredBytes > 0 ? (elapsedMs * this.#size) / measuredBytes : 0;
    this.#isMeasured = true;
    this.#earlyBytes = 0;
    if (openedStreams !== this.#knownStreams) this.#newcomersAtMs = now;
    this.#measuredBytes = 0;
    this.#measuredAtMs = now;
    this.#knownStreams = openedStreams;
    const isQueueFelt = now - this.#newcomersAtMs < NEWCOMERS_MS && this.#size >= SMALL_QUEUE_BYTES;
    const roundMs = isQueueFelt ? pathMs : Math.max(pathMs, TURNS_MS);
    if (windowMs <= GROW_ROUNDS * roundMs) {
      return this.#buffered > this.#size / 2 ? 0 : this.#grow();
    }
    return isQueueFelt && windowMs > SHRINK_ROUNDS * roundMs ? this.#shrink() : 0;
  }

  /** Since the speed was measured last, or the first bytes came. */
  #elapsedMs(now: number): number {
    return now - (this.#measuredAtMs ?? -Infinity);
  }

  #grow(): number {
    const doubled = STEP * this.#size;
    const known = Math.min(this.#sizing.reachedBytes, KNOWN_STEP * this.#size);
    return this.#growTo(Math.max(known, doubled)) || this.#growTo(doubled);
  }

  #growTo(wantedBytes: number): number {
    const growth = Math.min(wantedBytes, this.#sizing.maxWindowBytes) - this.#size;
    if (growth <= 0 || !this.#sizing.budget.reserveGrowth(growth)) return 0;
    this.#size += growth;
    this.#sizing.reachedBytes = Math.max(this.#sizing.reachedBytes, this.#size);
    return growth;
  }

  /** By what is owed, a quarter or a little more: credit that the peer holds cannot be taken back. */
  #shrink(): number {
    const bytes = Math.min(this.#owed, this.#size - SMALL_QUEUE_BYTES);
    this.#shrinkTo(this.#size - bytes);
    return -bytes;
  }
}
