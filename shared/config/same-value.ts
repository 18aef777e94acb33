/**
 * Whether two pieces of configuration say the same. Node's own deep comparison would take any two
 * SecretValues for equal, as it cannot see into them.
 */
import { SecretValue } from './secret-value.js';

/** Deep equality of plain values, lists, mappings and secrets. A key that is undefined counts as absent. */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (one instanceof SecretValue || other instanceof SecretValue) {
    return one instanceof SecretValue && other instanceof SecretValue && one.equals(other);
  }
  if (!isComposite(one) || !isComposite(other)) return Object.is(one, other);
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => isSameValue(one[key], other[key]));
}

function isComposite(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
