/**
 * Time that moves only when a test says so. Timers that become due run in the order of their time, as
 * with the real clock; `jump` is a process that was stopped meanwhile (each timer is late, and runs once).
 */
import type { Clock, Timer } from '../../shared/clock.js';

interface Pending {
  dueMs: number;
  readonly everyMs: number | undefined;
  readonly keepsAlive: boolean;
  readonly action: () => void;
}

/** A clock driven by hand. Wall-clock and monotonic time differ, so that mixing them up shows. */
export class FakeClock implements Clock {
  readonly #pending = new Set<Pending>();
  readonly #startedAt: number;
  #elapsedMs = 0;

  constructor(startedAt = Date.UTC(2026, 0, 1)) {
    this.#startedAt = startedAt;
  }

  now(): number {
    return this.#startedAt + this.#elapsedMs;
  }

  monotonicMs(): number {
    return 1000 + this.#elapsedMs;
  }

  after(ms: number, action: () => void, keepsAlive = false): Timer {
    return this.#add({ dueMs: this.#elapsedMs + ms, everyMs: undefined, keepsAlive, action });
  }

  every(ms: number, action: () => void): Timer {
    return this.#add({ dueMs: this.#elapsedMs + ms, everyMs: ms, keepsAlive: false, action });
  }

  /** How many timers run. */
  get timerCount(): number {
    return this.#pending.size;
  }

  /** How many timers would hold the process open. */
  get keepAliveCount(): number {
    return [...this.#pending].filter((timer) => timer.keepsAlive).length;
  }

  /** Moves time on; what becomes due runs at its own time, in order. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.dueMs > untilMs) break;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      this.#run(next);
    }
    this.#elapsedMs = untilMs;
  }

  /** Time passes while the process is stopped: what became due runs once, late. */
  jump(ms: number): void {
    this.#elapsedMs += ms;
    const due = [...this.#pending].filter((timer) => timer.dueMs <= this.#elapsedMs);
    for (const timer of due.sort((one, other) => one.dueMs - other.dueMs)) {
      if (this.#pending.has(timer)) this.#run(timer);
    }
  }

  #run(timer: Pending): void {
    if (timer.everyMs === undefined) this.#pending.delete(timer);
    else timer.dueMs = this.#elapsedMs + timer.everyMs;
    timer.action();
  }

  #next(): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#pending) {
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }

  #add(timer: Pending): Timer {
    this.#pending.add(timer);
    return { cancel: () => void this.#pending.delete(timer) };
  }
}
