/**
 * Delayed work of the controllers. One piece of work per key: asking again before it has run
 * changes nothing. A new queue only collects; `settle` then runs everything at once in the order of
 * its delays, for a cluster that is complete from the start and always the same, and from then on
 * work runs by timers.
 */

interface CollectedWork {
  readonly run: () => void;
  /** Delay counted from the start of the queue, milliseconds. */
  readonly dueMs: number;
}

/** Runs work later, at most once per key. */
export class WorkQueue {
  #collected: Map<string, CollectedWork> | undefined = new Map();
  #collectedMs = 0;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #isStopped = false;

  /** Runs `run` after a delay unless work of this key already waits. */
  after(delayMs: number, key: string, run: () => void): void {
    if (this.#isStopped) return;
    if (this.#collected !== undefined) {
      if (this.#collected.has(key)) return;
      this.#collected.set(key, { run, dueMs: this.#collectedMs + delayMs });
    } else if (!this.#timers.has(key)) {
      const timer = setTimeout(() => {
        this.#timers.delete(key);
        run();
      }, delayMs);
      this.#timers.set(key, timer);
    }
  }

  /** Runs everything collected, and what that causes; later work runs by timers. */
  settle(): void {
    const collected = this.#collected ?? new Map<string, CollectedWork>();
    for (;;) {
      // Of equal due times the one asked for first comes first: sort is stable.
      const [next] = [...collected].sort(([, left], [, right]) => left.dueMs - right.dueMs);
      if (next === undefined) break;
      const [key, work] = next;
      collected.delete(key);
      this.#collectedMs = work.dueMs;
      work.run();
    }
    this.#collected = undefined;
  }

  /** Drops everything; later work is ignored. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
