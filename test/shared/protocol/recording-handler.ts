/**
 * A stream's handler that writes down what it is told, for tests. It takes data at once unless told to
 * be slow.
 */
import type { TunnelError } from '../../../shared/errors.js';
import type { HeaderList } from '../../../shared/http/header-list.js';
import type { ResponseHead } from '../../../shared/protocol/frame.js';
import type { StreamHandler, TunnelStream } from '../../../shared/protocol/tunnel-stream.js';

/** What a handler was told, in order; data is joined. */
export class RecordingHandler implements StreamHandler {
  readonly events: string[] = [];
  readonly heads: ResponseHead[] = [];
  readonly errors: (TunnelError | undefined)[] = [];
  trailers: HeaderList | undefined;
  /** Set once the stream is known; without it nothing is given back. */
  stream: TunnelStream | undefined;
  isSlow = false;
  #chunks: Buffer[] = [];
  #unread = 0;

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.body.toString('latin1');
  }

  onHead(head: ResponseHead): void {
    this.heads.push(head);
    this.events.push(`head ${head.status}`);
  }

  onData(bytes: Buffer): void {
    if (this.events.at(-1) !== 'data') this.events.push('data');
    this.#chunks.push(Buffer.from(bytes));
    this.#unread += bytes.length;
    if (!this.isSlow) this.read();
  }

  onEnd(trailers: HeaderList): void {
    this.trailers = trailers;
    this.events.push('end');
  }

  onReset(error: TunnelError | undefined): void {
    this.errors.push(error);
    this.events.push(`reset ${error?.code ?? ''}`.trim());
  }

  onWritable(): void {
    this.events.push('writable');
  }

  /** Takes what has arrived. */
  read(): void {
    const bytes = this.#unread;
    this.#unread = 0;
    this.stream?.consumed(bytes);
  }
}
