/** A clock that moves only when a test says so. */
import type { Clock, Timer } from '../../../shared/clock.js';

export class ManualClock implements Clock {
  private repeating: { everyMs: number; next: number; action: () => void }[] = [];

  constructor(private nowMs: number) {}

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  after(): Timer {
    throw new Error('no test here uses single timers');
  }

  every(ms: number, action: () => void): Timer {
    const entry = { everyMs: ms, next: this.nowMs + ms, action };
    this.repeating.push(entry);
    return { cancel: () => (this.repeating = this.repeating.filter((one) => one !== entry)) };
  }

  /** How many timers run. */
  get timerCount(): number {
    return this.repeating.length;
  }

  /** Jumps ahead; a timer that is due runs once, as after a machine has slept. */
  advance(ms: number): void {
    this.nowMs += ms;
    for (const entry of [...this.repeating]) {
      if (this.nowMs < entry.next) continue;
      entry.next = this.nowMs + entry.everyMs;
      entry.action();
    }
  }
}
