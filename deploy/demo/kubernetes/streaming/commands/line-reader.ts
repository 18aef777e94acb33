/** Reads lines from a command's input, and echoes what is typed when it comes from a terminal. */
import type { Readable } from 'node:stream';

/** Control-D: the end of input on a terminal. */
const END_OF_INPUT = '\u0004';

/** Lines of a stream. Input after the last wanted line stays unread. */
export class LineReader {
  readonly #chunks: AsyncIterator<unknown>;
  #buffered = '';
  #hasEnded = false;

  constructor(
    input: Readable,
    /** Shows typed characters; undefined when the input is no terminal. */
    private readonly echo: ((bytes: Buffer) => Promise<void>) | undefined,
  ) {
    this.#chunks = input.iterator({ destroyOnReturn: false });
  }

  /** The next line without its end; undefined at the end of input. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffered.search(/[\r\n]/);
      if (end >= 0) {
        const line = this.#buffered.slice(0, end);
        this.#buffered = this.#buffered.slice(end + 1);
        return line;
      }
      if (this.#hasEnded) {
        const rest = this.#buffered;
        this.#buffered = '';
        return rest === '' ? undefined : rest;
      }
      await this.#readMore();
    }
  }

  async #readMore(): Promise<void> {
    const next: IteratorResult<unknown, unknown> = await this.#chunks.next();
    const { done, value } = next;
    if (done === true || !Buffer.isBuffer(value)) {
      this.#hasEnded = true;
      return;
    }
    const text = value.toString('utf8');
    const isEnd = this.echo !== undefined && text.includes(END_OF_INPUT);
    if (isEnd) this.#hasEnded = true;
    const typed = isEnd ? text.slice(0, text.indexOf(END_OF_INPUT)) : text;
    this.#buffered += typed;
    await this.echo?.(Buffer.from(typed.replace(/\r?\n|\r/g, '\r\n')));
  }
}
