/**
 * Log lines on their way to a stream that writes behind: they wait a moment for each other, since handing
 * one to the thread pool costs as much as a small request does in all. Used by log.ts.
 */

/** Longest wait of a line for others, ms. */
const GATHER_MS = 20;
/** So many characters wait no longer. */
const GATHER_CHARS = 16 * 1024;

/** Gathers lines and passes them on together, in their order. */
export class GatheredLines {
  readonly #stream: { write(text: string): unknown };
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: { write(text: string): unknown }) {
    this.#stream = stream;
  }

  /** Takes a line with its newline. */
  write(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= GATHER_CHARS) this.passOn();
    // keeps the process alive: a line must not be lost because nothing else is left to do
    else this.#timer ??= setTimeout(() => this.passOn(), GATHER_MS);
  }

  /** Passes on what waits. */
  passOn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting === '') return;
    const lines = this.#waiting;
    this.#waiting = '';
    this.#stream.write(lines);
  }
}
