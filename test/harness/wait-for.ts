/**
 * Waiting for a condition instead of for a time.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first result that is neither false nor undefined. Rejects when time is up. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 15_000,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > until) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(10);
  }
}
