/**
 * Keeps a Map that remembers things within its bound: call it after each addition.
 */

/** Forgets the entry that was added first when there are more than `max`. Keys are never undefined. */
export function forgetOldest<Key>(remembered: Map<Key, unknown>, max: number): void {
  if (remembered.size <= max) return;
  const [oldest] = remembered.keys();
  if (oldest !== undefined) remembered.delete(oldest);
}
