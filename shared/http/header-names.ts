/**
 * A set of header names, in whatever case they are written. It is asked about every header of every
 * message, nearly all of which are in no set: most show it by their length alone, before the name is
 * lower-cased.
 */
import type { HeaderList } from './header-list.js';

/** Some header names. */
export class HeaderNames {
  readonly #names: ReadonlySet<string>;
  /** One bit for each length that a name has, modulo 32 as shifts go; longer ones are looked up in vain. */
  readonly #lengths: number;

  /** Names in lower case. */
  constructor(lowerNames: readonly string[]) {
    this.#names = new Set(lowerNames);
    this.#lengths = lowerNames.reduce((lengths, name) => lengths | (1 << name.length), 0);
  }

  /** Whether a header of this name, in any case, is one of them. */
  has(name: string): boolean {
    return (this.#lengths & (1 << name.length)) !== 0 && this.#names.has(name.toLowerCase());
  }

  /** Whether a list has a header that is one of them. */
  isIn(headers: HeaderList): boolean {
    for (let i = 0; i < headers.length; i += 2) {
      if (this.has(headers[i] ?? '')) return true;
    }
    return false;
  }
}
