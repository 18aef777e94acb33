/**
 * Names that resolve when a test says so, for programs that were started with its environment. No name
 * server: root alone could tell the system of one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.js';

/** Knows names that end in `.test`; at first none. */
export class NameService {
  readonly #dir = tempDir('names');
  readonly #known = new Set<string>();

  constructor() {
    this.#write();
  }

  /** For the programs that ask it. */
  get env(): Record<string, string> {
    const preload = new URL('name-lookup.mjs', import.meta.url).href;
    return { NODE_OPTIONS: `--import=${preload}`, FAIRLEAD_TEST_NAMES: this.#file };
  }

  /** From now on the name is this machine's. */
  add(name: string): void {
    this.#known.add(name);
    this.#write();
  }

  /** From now on the name does not resolve. */
  remove(name: string): void {
    this.#known.delete(name);
    this.#write();
  }

  stop(): void {
    this.#dir.remove();
  }

  get #file(): string {
    return join(this.#dir.path, 'names');
  }

  #write(): void {
    writeFileSync(this.#file, [...this.#known].map((name) => `${name} 127.0.0.1\n`).join(''));
  }
}
