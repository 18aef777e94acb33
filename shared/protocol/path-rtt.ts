/**
 * The round-trip time of the path alone, without what waits in it: the least for up to an hour. Windows are sized
 * by it. Under bulk every round trip includes the queue that bulk itself has made, and windows sized by
 * that would grow, fill a longer queue and be sized by it in turn.
 */

/**
 * A link that is busy for longer without a pause shows its queues only; a path that became longer, and
 * whose streams are held back until then, shows after one to two of these.
 */
const PERIOD_MS = 30 * 60_000;

/** The least of this period and the one before. */
export class PathRtt {
  #leastMs: number | undefined;
  #leastBeforeMs: number | undefined;
  #periodEndMs = 0;

  /** Undefined before the first sample. */
  get ms(): number | undefined {
    if (this.#leastMs === undefined || this.#leastBeforeMs === undefined) return this.#leastMs;
    return Math.min(this.#leastMs, this.#leastBeforeMs);
  }

  /** `nowMs`: monotonic. */
  add(sampleMs: number, nowMs: number): void {
    if (nowMs >= this.#periodEndMs) {
      this.#periodEndMs = nowMs + PERIOD_MS;
      this.#leastBeforeMs = this.#leastMs;
      this.#leastMs = sampleMs;
    } else {
      this.#leastMs = Math.min(sampleMs, this.#leastMs ?? sampleMs);
    }
  }
}
