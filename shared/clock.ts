/**
 * Time as a part that is handed in, so that tests drive it by hand.
 */

/** A running timer; cancelling twice is safe. */
export interface Timer {
  cancel(): void;
}

/** Where code gets its time and its timers from. */
export interface Clock {
  /** Wall-clock time in ms since the epoch. */
  now(): number;
  /** Monotonic time in ms, for durations. */
  monotonicMs(): number;
  /** Runs `action` once after `ms`. `keepsAlive` timers hold the process open; others do not. */
  after(ms: number, action: () => void, keepsAlive?: boolean): Timer;
  /** Runs `action` every `ms` until cancelled; never holds the process open. */
  every(ms: number, action: () => void): Timer;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, action, keepsAlive = false) {
    const timer = setTimeout(action, ms);
    if (!keepsAlive) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  every(ms, action) {
    const timer = setInterval(action, ms);
    timer.unref();
    return { cancel: () => clearInterval(timer) };
  },
};
