/**
 * Log lines on their way to a stream that writes behind: they wait a moment for each other, since handing
 * one to the thread pool costs as much as a small request does in all. Used by log.ts.
 */

/** Longest wait of a line for others, ms. */
const GATHER_MS = 20;
/** Lines go out before they are more bytes than this: about what a pipe holds, so that a write fills it once. */
const GATHER_BYTES = 64 * 1024;
/** UTF-8 takes at most so many bytes for a UTF-16 code unit. */
const UTF8_BYTES_PER_CHAR = 3;

/** Writes behind; `drain` says that all it was handed is written. */
export interface ByteStream {
  write(bytes: Buffer): unknown;
  on(event: 'drain', listener: () => void): unknown;
}

/** Gathers lines and passes them on together, in their order. */
export class GatheredLines {
  readonly #stream: ByteStream;
  /**
   * Lines are encoded as they come: joining many small texts costs as much again, and more to collect.
   * Two buffers take turns, one being written, one being filled.
   */
  #waiting = Buffer.allocUnsafeSlow(GATHER_BYTES);
  #other = Buffer.allocUnsafeSlow(GATHER_BYTES);
  #length = 0;
  #isOtherBusy = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    stream.on('drain', () => {
      this.#isOtherBusy = false;
    });
  }

  /** Takes a line with its newline. */
  write(line: string): void {
    const maxBytes = line.length * UTF8_BYTES_PER_CHAR;
    if (this.#length + maxBytes > GATHER_BYTES) {
      this.passOn();
      if (maxBytes > GATHER_BYTES) {
        this.#stream.write(Buffer.from(line));
        return;
      }
    }
    this.#length += this.#waiting.write(line, this.#length);
    // keeps the process alive: a line must not be lost because nothing else is left to do
    this.#timer ??= setTimeout(() => this.passOn(), GATHER_MS);
  }

  /** Passes on what waits. */
  passOn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#length === 0) return;
    const lines = this.#waiting.subarray(0, this.#length);
    this.#length = 0;
    if (this.#isOtherBusy) {
      // a copy of its size, as it may wait for long behind a reader who has stalled
      this.#stream.write(Buffer.from(lines));
    } else {
      this.#isOtherBusy = true;
      [this.#waiting, this.#other] = [this.#other, this.#waiting];
      this.#stream.write(lines);
    }
  }
}
