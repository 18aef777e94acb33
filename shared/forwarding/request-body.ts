/**
 * A request body on its way from a stream to the target, as the Readable that HTTP clients take. Bytes
 * count as consumed when the client takes them, so that a slow target holds the caller back.
 */
import { Readable } from 'node:stream';
import type { TunnelStream } from '../protocol/tunnel-stream.js';

/** Body bytes of one stream; holds no more than the stream's window. */
export class RequestBody extends Readable {
  readonly #stream: TunnelStream;
  readonly #waiting: Buffer[] = [];
  #isComplete = false;
  #isWanted = false;

  constructor(stream: TunnelStream) {
    super({ highWaterMark: 1 }); // the window is the buffer
    this.#stream = stream;
  }

  /** Bytes arrived. */
  give(bytes: Buffer): void {
    this.#waiting.push(bytes);
    if (this.#isWanted) this._read();
  }

  /** All bytes have arrived. */
  complete(): void {
    this.#isComplete = true;
    if (this.#isWanted) this._read();
  }

  /** Ended or given up: what still waits is not going to be read. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting.length = 0;
    this.#stream.discard();
    done(error);
  }

  override _read(): void {
    const bytes = this.#waiting.shift();
    if (bytes !== undefined) {
      this.#isWanted = false;
      this.#stream.consumed(bytes.length);
      this.push(bytes);
    } else if (this.#isComplete) {
      this.#isWanted = false;
      this.push(null);
    } else {
      this.#isWanted = true;
    }
  }
}
