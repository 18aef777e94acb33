/**
 * The server side of a SPDY/3.1 connection as kubectl speaks it for exec, attach and port-forward.
 * Streams are opened by the client only. kubectl's library knows no window updates, so a slow
 * stream holds up the connection once its buffer is full.
 */
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import type { SpdyFrame } from './spdy-frame.js';
import {
  CONTROL,
  controlFrame,
  dataFrame,
  FLAG_FIN,
  numbers,
  SpdyFrameReader,
} from './spdy-frame.js';
import type { SpdyHeaders } from './spdy-headers.js';
import { TransportWriter } from '../transport-writer.js';
import { HeaderReader, HeaderWriter } from './spdy-headers.js';

/** Bytes of one stream that are taken before its consumer reads them. */
const STREAM_BUFFER_BYTES = 256 * 1024;
/** Longest data frame that is sent. */
const MAX_DATA_BYTES = 32 * 1024;

/** One stream. */
export class SpdyStream {
  /** What the client sends; ends when it half-closes the stream. */
  readonly input: Readable;
  #wake: () => void = () => undefined;
  #isClosed = false;

  constructor(
    readonly id: number,
    readonly headers: SpdyHeaders,
    private readonly send: (bytes: Buffer) => Promise<void>,
  ) {
    this.input = new Readable({
      highWaterMark: STREAM_BUFFER_BYTES,
      read: () => this.#wake(),
      destroy: (error, done) => {
        this.#wake();
        done(error);
      },
    });
    this.input.on('error', () => undefined); // a reset stream; its reader sees the end
  }

  /** Sends bytes; resolves when the connection takes more. Does nothing on a closed stream. */
  async write(bytes: Buffer): Promise<void> {
    for (let offset = 0; offset < bytes.length && !this.#isClosed; offset += MAX_DATA_BYTES) {
      await this.send(dataFrame(this.id, bytes.subarray(offset, offset + MAX_DATA_BYTES), false));
    }
  }

  /** Half-closes our side. */
  async end(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.send(dataFrame(this.id, Buffer.alloc(0), true));
  }

  /** Ends both sides as failed. */
  async reset(): Promise<void> {
    const internalError = 6;
    this.abandon();
    await this.send(controlFrame(CONTROL.rstStream, numbers(this.id, internalError)));
  }

  /** Takes bytes of the client; resolves when the consumer can take more. */
  async receive(bytes: Buffer, isLast: boolean): Promise<void> {
    const { input } = this;
    if (input.destroyed) return;
    const hasRoom = bytes.length === 0 || input.push(bytes);
    if (isLast) input.push(null);
    else if (!hasRoom) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Stops without telling the client, who is gone or has reset the stream. */
  abandon(): void {
    this.#isClosed = true;
    this.input.destroy();
  }
}

/** A SPDY connection over an upgraded socket or over WebSocket messages. */
export class SpdyConnection {
  readonly #streams = new Map<number, SpdyStream>();
  readonly #headerReader = new HeaderReader();
  readonly #headerWriter = new HeaderWriter();
  readonly #writer: TransportWriter;
  #lastStreamId = 0;

  constructor(
    private readonly transport: Duplex,
    private readonly onStream: (stream: SpdyStream) => void,
  ) {
    this.#writer = new TransportWriter(transport);
    transport.on('error', () => undefined); // seen as the end of run()
  }

  /** Serves the connection until the client is gone. Never rejects. */
  async run(): Promise<void> {
    const reader = new SpdyFrameReader();
    try {
      for await (const chunk of this.transport.iterator({ destroyOnReturn: false })) {
        // The transport has no encoding set, so its chunks are buffers.
        for (const frame of reader.push(chunk as Buffer)) await this.#handle(frame);
      }
    } catch {
      this.transport.destroy(); // broken off, or no SPDY
    } finally {
      this.#headerReader.close();
      for (const stream of this.#streams.values()) stream.abandon();
      this.#leave();
    }
  }

  /** Says good-bye and ends our side once everything is sent. */
  async close(): Promise<void> {
    await this.#writer.write(controlFrame(CONTROL.goAway, numbers(this.#lastStreamId, 0)));
    this.transport.end();
  }

  /** A client that has ended its side is gone: what is still to be sent goes out, then all ends. */
  #leave(): void {
    const { transport } = this;
    if (transport.writableFinished) transport.destroy();
    else transport.once('finish', () => transport.destroy()).end();
  }

  async #handle(frame: SpdyFrame): Promise<void> {
    if (frame.kind === 'data') {
      const isLast = (frame.flags & FLAG_FIN) !== 0;
      await this.#streams.get(frame.streamId & 0x7fffffff)?.receive(frame.payload, isLast);
      return;
    }
    const { payload } = frame;
    switch (frame.type) {
      case CONTROL.synStream:
        await this.#open(payload, (frame.flags & FLAG_FIN) !== 0);
        return;
      case CONTROL.ping:
        await this.#writer.write(controlFrame(CONTROL.ping, payload));
        return;
      case CONTROL.rstStream:
        this.#streams.get(payload.readUInt32BE(0) & 0x7fffffff)?.abandon();
        return;
      case CONTROL.headers:
        await this.#headerReader.read(payload.subarray(4)); // keeps the decompressor in step
        return;
      default:
        return; // settings, window updates and good-byes ask for nothing
    }
  }

  async #open(payload: Buffer, isLast: boolean): Promise<void> {
    const fixedBytes = 10; // stream, associated stream, priority, slot
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.#headerReader.read(payload.subarray(fixedBytes));
    const stream = new SpdyStream(id, headers, (bytes) => this.#writer.write(bytes));
    this.#streams.set(id, stream);
    this.#lastStreamId = id;
    stream.input.once('close', () => {
      // Frames of the other direction may follow; the map only serves what the client sends.
      this.#streams.delete(id);
    });
    const reply = Buffer.concat([numbers(id), this.#headerWriter.write(new Map())]);
    await this.#writer.write(controlFrame(CONTROL.synReply, reply));
    if (isLast) await stream.receive(Buffer.alloc(0), true);
    this.onStream(stream);
  }
}
