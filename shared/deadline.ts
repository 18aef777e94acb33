/**
 * Waiting with an end.
 */
import type { Clock, Timer } from './clock.js';

/** Whether the work was done within the time; it is not ended when it was not. Rejects as the work does. */
export async function isDoneWithin(
  work: Promise<unknown>,
  timeoutMs: number,
  clock: Clock,
): Promise<boolean> {
  let timer: Timer | undefined;
  const late = new Promise<false>((resolve) => {
    timer = clock.after(timeoutMs, () => resolve(false), true);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timer?.cancel();
  }
}
