/**
 * The round-trip time of the path alone, without what waits in it: the least of the last ten to twenty minutes.
 * Windows are sized by it. Under bulk every round trip includes the queue that bulk itself has made, and windows
 * sized by that would grow, fill a longer queue and be sized by it in turn.
 */

/**
 * A path that became longer shows after one to two of these, and holds its streams back until then; a link that
 * is busy for as long without a pause shows its queue, and gets a longer one.
 */
const PERIOD_MS = 10 * 60_000;

/** The least of this period and the one before. */
export class PathRtt {
  #leastMs = Infinity;
  #leastBeforeMs = Infinity;
  #periodEndMs = 0;

  /** Undefined before the first sample. */
  get ms(): number | undefined {
    const leastMs = Math.min(this.#leastMs, this.#leastBeforeMs);
    return leastMs === Infinity ? undefined : leastMs;
  }

  /** `nowMs`: monotonic. */
  add(sampleMs: number, nowMs: number): void {
    if (nowMs >= this.#periodEndMs) {
      this.#periodEndMs = nowMs + PERIOD_MS;
      this.#leastBeforeMs = this.#leastMs;
      this.#leastMs = Infinity;
    }
    this.#leastMs = Math.min(this.#leastMs, sampleMs);
  }
}
