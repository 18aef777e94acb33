/** Keeps the terminal size that a caller's resize messages tell. Used by both command protocols. */
import { isJsonObject, numberAt, parseJson } from '../objects/json-value.js';
import type { TerminalSize } from './command-io.js';

/** How long a command waits for a first size; kubectl sends it right after connecting. */
const FIRST_SIZE_TIMEOUT_MS = 2000;

/** The size of a terminal over time. */
export class TerminalSizeTracker {
  #size: TerminalSize | undefined;
  #buffered = '';
  #waiting: (() => void)[] = [];

  get size(): TerminalSize | undefined {
    return this.#size;
  }

  /** Takes bytes of the resize channel: JSON objects one after the other, `{"Width":…,"Height":…}`. */
  push(bytes: Buffer): void {
    this.#buffered += bytes.toString('utf8');
    for (;;) {
      const end = this.#buffered.indexOf('}');
      if (end < 0) return;
      this.#take(this.#buffered.slice(0, end + 1));
      this.#buffered = this.#buffered.slice(end + 1);
    }
  }

  async first(): Promise<TerminalSize | undefined> {
    if (this.#size === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, FIRST_SIZE_TIMEOUT_MS);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return this.#size;
  }

  /** Lets nobody wait any longer. */
  close(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #take(text: string): void {
    try {
      const size = parseJson(text);
      if (!isJsonObject(size)) return;
      this.#size = { columns: numberAt(size, 'Width'), rows: numberAt(size, 'Height') };
      this.close();
    } catch {
      return; // not a size; the terminal keeps the one it has
    }
  }
}
