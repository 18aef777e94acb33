/**
 * Uids and generated name suffixes. They depend only on the order of calls, so that the same
 * requests to the same seed give the same names. Used wherever objects are created.
 */
import { createHash } from 'node:crypto';

/** Letters of generated names, as k8s.io/apimachinery/pkg/util/rand has them (no vowels). */
const SAFE_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** Hands out names and uids. */
export class NameSource {
  #issued = 0;

  /** A new uid in the form of a UUID. */
  uid(): string {
    this.#issued += 1;
    const hex = digest(`uid ${this.#issued}`).toString('hex');
    const variant = `8${hex.slice(17, 20)}`;
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      variant,
      hex.slice(20, 32),
    ].join('-');
  }

  /** A new suffix of five letters. */
  suffix(): string {
    this.#issued += 1;
    return safeText(`suffix ${this.#issued}`, 5);
  }
}

/** A text of safe letters that stands for a value, for example a pod template's hash. */
export function safeText(value: string, length: number): string {
  return [...digest(value)]
    .slice(0, length)
    .map((byte) => SAFE_LETTERS.charAt(byte % SAFE_LETTERS.length))
    .join('');
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
