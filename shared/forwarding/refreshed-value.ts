/**
 * A value that lives elsewhere and changes there: a token in a file, a Kubernetes Secret, the answer of
 * an exec plugin. Hands out what it has while that is fresh; fetches anew, once for all who wait, when it
 * is old, about to expire, or was refused. Keeps the old value when fetching fails.
 */
import type { Clock } from '../clock.js';

/** What a fetch brings. */
export interface Fetched<T> {
  readonly value: T;
  /** When it ceases to be valid, ms since the epoch; undefined if it does not say. */
  readonly expiresAt?: number | undefined;
}

/** When to fetch. */
export interface RefreshRules {
  readonly clock: Clock;
  /** Age in ms from which a value is looked up anew; Infinity for values that say when they expire. */
  readonly maxAgeMs: number;
  /** Told when a fetch fails and the old value stays in use; once until one succeeds. */
  readonly onFailure?: ((reason: unknown) => void) | undefined;
}

/** A value is renewed this long before it expires, or at half its life if that is shorter. */
const RENEW_AHEAD_MS = 60_000;
/** A 401 says nothing about a value younger than this: the request may have carried the one before. */
const MIN_REFUSED_AGE_MS = 1_000;
/** Between failed fetches: soon when there is nothing to hand out, later when the old value serves. */
const RETRY_MS = { withoutValue: 1_000, withValue: 10_000 };
/** How long those who wait let a slow fetch delay them when the old value is still good. */
const PATIENCE_MS = 1_000;

interface Held<T> extends Fetched<T> {
  readonly fetchedAt: number;
  readonly renewAt: number;
}

/** The current value of something that is fetched. */
export class RefreshedValue<T> {
  readonly #fetch: () => Promise<Fetched<T>>;
  readonly #rules: RefreshRules;
  #held: Held<T> | undefined;
  #fetching: Promise<T> | undefined;
  #failure: unknown;
  /** Monotonic ms before which no fetch is tried again. */
  #notBefore = -Infinity;
  #isRefused = false;
  #isFailing = false;

  constructor(fetch: () => Promise<Fetched<T>>, rules: RefreshRules) {
    this.#fetch = fetch;
    this.#rules = rules;
  }

  /** The value: at once while it is fresh. Rejects with what the fetch failed with if there is none. */
  current(): T | Promise<T> {
    const held = this.#held;
    if (held !== undefined && !this.#isDue(held)) return held.value;
    const isUsable = held !== undefined && !this.#isExpired(held);
    if (this.#fetching === undefined && this.#rules.clock.monotonicMs() < this.#notBefore) {
      return isUsable ? held.value : Promise.reject(this.#failure);
    }
    const fetching = (this.#fetching ??= this.#fetchOnce());
    return isUsable && !this.#isRefused ? this.#patiently(fetching, held.value) : fetching;
  }

  /** The other side did not accept the value: it is fetched anew before it is handed out again. */
  refused(): void {
    const { clock } = this.#rules;
    if (this.#held === undefined) return;
    if (clock.monotonicMs() - this.#held.fetchedAt >= MIN_REFUSED_AGE_MS) this.#isRefused = true;
  }

  #isDue(held: Held<T>): boolean {
    const { clock, maxAgeMs } = this.#rules;
    return (
      this.#isRefused ||
      clock.monotonicMs() - held.fetchedAt >= maxAgeMs ||
      clock.now() >= held.renewAt
    );
  }

  #isExpired(held: Held<T>): boolean {
    return held.expiresAt !== undefined && this.#rules.clock.now() >= held.expiresAt;
  }

  async #fetchOnce(): Promise<T> {
    const { clock, onFailure } = this.#rules;
    try {
      const fetched = await this.#fetch();
      this.#held = {
        ...fetched,
        fetchedAt: clock.monotonicMs(),
        renewAt: renewAt(clock.now(), fetched.expiresAt),
      };
      this.#isRefused = false;
      this.#isFailing = false;
      this.#notBefore = -Infinity;
      return fetched.value;
    } catch (reason) {
      this.#failure = reason;
      const held = this.#held;
      const isUsable = held !== undefined && !this.#isExpired(held);
      this.#notBefore =
        clock.monotonicMs() + (isUsable ? RETRY_MS.withValue : RETRY_MS.withoutValue);
      if (!isUsable) throw reason;
      if (!this.#isFailing) onFailure?.(reason);
      this.#isFailing = true;
      return held.value;
    } finally {
      this.#fetching = undefined;
    }
  }

  #patiently(fetching: Promise<T>, fallback: T): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#rules.clock.after(PATIENCE_MS, () => resolve(fallback));
      fetching.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

function renewAt(now: number, expiresAt: number | undefined): number {
  if (expiresAt === undefined) return Infinity;
  return expiresAt - Math.min(RENEW_AHEAD_MS, (expiresAt - now) / 2);
}
