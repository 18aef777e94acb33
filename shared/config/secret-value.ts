/**
 * A secret that does not show itself: passwords, tokens and keys travel as SecretValue from the file
 * they were read from to the one place that sends them. Printing one in any way gives `[secret]`.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';

const SHOWN = '[secret]';

/** A text that prints as `[secret]`; `reveal()` is the only way to read it. */
export class SecretValue {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    Object.freeze(this);
  }

  /** The text itself. Call it where the secret is used, and keep the result nowhere. */
  reveal(): string {
    return this.#text;
  }

  /** Whether both hold the same text; takes the same time wherever they differ. */
  equals(other: SecretValue): boolean {
    // Digests have one length, so that not even the length of the secret shows in the time taken.
    return timingSafeEqual(digest(this.#text), digest(other.#text));
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [Symbol.toPrimitive](): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
