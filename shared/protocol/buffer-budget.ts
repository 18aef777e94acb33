/**
 * Bounds the sum of all receive windows of a session, and of the process: what peers may make us hold.
 * A new stream gets a smaller window the more of the budget is taken, so that many quiet streams fit;
 * when it is spent, new streams are refused and open ones go on.
 */

/** Windows a new stream starts with, by the share of the budget that is taken already. */
const SMALL_WINDOW_BYTES = 64 * 1024;
const SMALLER_WINDOW_BYTES = 16 * 1024;
const SMALLEST_WINDOW_BYTES = 8 * 1024;

/** A budget, within its parent's if it has one. */
export class BufferBudget {
  readonly #limit: number;
  readonly #parent: BufferBudget | undefined;
  #reserved = 0;

  constructor(limitBytes: number, parent?: BufferBudget) {
    this.#limit = limitBytes;
    this.#parent = parent;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Takes bytes from the budget; false (and nothing taken) when they are not there. */
  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.#limit) return false;
    if (this.#parent !== undefined && !this.#parent.reserve(bytes)) return false;
    this.#reserved += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#reserved -= bytes;
    this.#parent?.release(bytes);
  }

  /** Reserves a window for a new stream: at most `wantedBytes`, less as the budget fills, 0 for none. */
  reserveWindow(wantedBytes: number): number {
    const bytes = Math.min(wantedBytes, this.#windowNow());
    return this.reserve(bytes) ? bytes : 0;
  }

  /** Reserves more for a window that grows; half of the budget is kept for new streams. */
  reserveGrowth(bytes: number): boolean {
    return this.#isBelowHalfWith(bytes) && this.reserve(bytes);
  }

  #isBelowHalfWith(bytes: number): boolean {
    if (this.#reserved + bytes > this.#limit / 2) return false;
    return this.#parent === undefined || this.#parent.#isBelowHalfWith(bytes);
  }

  #windowNow(): number {
    const share = this.#share();
    if (share < 0.25) return Number.MAX_SAFE_INTEGER;
    if (share < 0.5) return SMALL_WINDOW_BYTES;
    return share < 0.75 ? SMALLER_WINDOW_BYTES : SMALLEST_WINDOW_BYTES;
  }

  #share(): number {
    const own = this.#reserved / this.#limit;
    return this.#parent === undefined ? own : Math.max(own, this.#parent.#share());
  }
}
