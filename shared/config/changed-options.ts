/**
 * Which options of a configuration have changed, told apart by whether they take effect at once.
 */
import { isSameValue } from './same-value.js';

/** Names of top-level options that differ and are not among those that are applied live. */
export function optionsNeedingRestart(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  live: ReadonlySet<string>,
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !live.has(name) && !isSameValue(before[name], after[name]));
}
