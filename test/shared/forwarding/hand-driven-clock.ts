/**
 * A clock that moves only when a test says so, for the tests of this folder.
 */
import type { Clock, Timer } from '../../../shared/clock.js';

interface Pending {
  due: number;
  readonly everyMs: number | undefined;
  readonly action: () => void;
}

export class HandDrivenClock implements Clock {
  readonly #pending = new Set<Pending>();
  #nowMs = Date.now();

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, action: () => void): Timer {
    return this.#add({ due: this.#nowMs + ms, everyMs: undefined, action });
  }

  every(ms: number, action: () => void): Timer {
    return this.#add({ due: this.#nowMs + ms, everyMs: ms, action });
  }

  /** How many timers run. */
  get timerCount(): number {
    return this.#pending.size;
  }

  /** Moves time on and runs what is due, in order. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#pending].sort((one, other) => one.due - other.due)[0];
      if (next === undefined || next.due > until) break;
      this.#nowMs = Math.max(this.#nowMs, next.due);
      if (next.everyMs === undefined) this.#pending.delete(next);
      else next.due += next.everyMs;
      next.action();
    }
    this.#nowMs = until;
  }

  #add(timer: Pending): Timer {
    this.#pending.add(timer);
    return { cancel: () => this.#pending.delete(timer) };
  }
}
