/**
 * How long to wait before trying again: exponential with jitter, so that a thousand agents do not come
 * back in step.
 */

/** Bounds of the waits. */
export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** 0 (inclusive) to 1 (exclusive); Math.random outside tests. */
  readonly random: () => number;
}

const FACTOR = 1.6;

/** Counts failures. */
export class Backoff {
  readonly #options: BackoffOptions;
  #ceilingMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ceilingMs = options.minMs;
  }

  /** The next wait, between half the ceiling and the ceiling; raises the ceiling. */
  nextMs(): number {
    const { maxMs, random } = this.#options;
    const waitMs = this.#ceilingMs * (0.5 + random() / 2);
    this.#ceilingMs = Math.min(maxMs, this.#ceilingMs * FACTOR);
    return waitMs;
  }

  /** What was tried has worked for a while. */
  reset(): void {
    this.#ceilingMs = this.#options.minMs;
  }
}
