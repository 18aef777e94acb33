/**
 * An HTTP/2 client that shows the frames of the wire: whether a stream ended with END_STREAM or was reset
 * is what decides if a strict client takes a body for whole, and Node's own client does not tell.
 */
import * as net from 'node:net';
import * as tls from 'node:tls';
import { resetConnection } from '../../shared/http/reset-connection.js';
import type { CallerIdentity } from './slow-caller.js';

/** A frame as it came. */
export interface WireFrame {
  readonly type: 'data' | 'headers' | 'rst' | 'other';
  readonly stream: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const TYPES: Readonly<Record<number, WireFrame['type']>> = { 0: 'data', 1: 'headers', 3: 'rst' };

/** Frame types that tests send (RFC 9113 section 6). */
export const FrameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const Flag = { ack: 1, endStream: 1, endHeaders: 4 } as const;

/** One connection, frames written by hand; records every frame that comes. */
export class FrameCaller {
  readonly frames: WireFrame[] = [];
  readonly #connection: net.Socket;
  readonly #socket: tls.TLSSocket;
  readonly #token: string;
  #waiting = Buffer.alloc(0);

  /** Connects and says hello; no stream is open. */
  static async connect({ port, ca, token }: CallerIdentity): Promise<FrameCaller> {
    const connection = net.connect(port, '127.0.0.1');
    const socket = tls.connect({
      socket: connection,
      ca,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    socket.write(Buffer.concat([PREFACE, frame(FrameType.settings, 0, 0)]));
    return new FrameCaller(connection, socket, token);
  }

  /** Asks for one path on stream 1. */
  static async ask(identity: CallerIdentity, path: string): Promise<FrameCaller> {
    const caller = await FrameCaller.connect(identity);
    await caller.send(caller.request(1, path));
    return caller;
  }

  private constructor(connection: net.Socket, socket: tls.TLSSocket, token: string) {
    this.#connection = connection;
    this.#socket = socket;
    this.#token = token;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  /** Frames of the one stream. */
  get ofStream(): readonly WireFrame[] {
    return this.frames.filter((one) => one.stream === 1);
  }

  /** Whether the connection is over. */
  get isClosed(): boolean {
    return this.#socket.closed || this.#socket.readableEnded;
  }

  /** A HEADERS frame that asks for a path, complete unless told otherwise. */
  request(
    stream: number,
    path: string,
    flags = Flag.endStream | Flag.endHeaders,
    method = 'GET',
  ): Buffer {
    const fields = {
      ':method': method,
      ':scheme': 'https',
      ':authority': 'localhost',
      ':path': path,
      'x-opsmx-token': this.#token,
    };
    return headersFrame(stream, fields, flags);
  }

  /** Sends frames as they are; resolves when the kernel has taken them or the connection is over. */
  async send(...frames: readonly Buffer[]): Promise<void> {
    if (this.isClosed) return;
    await new Promise<void>((resolve) =>
      this.#socket.write(Buffer.concat(frames), () => resolve()),
    );
  }

  /** Leaves what the other side sends in the kernel's buffers. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Breaks the connection with a reset of TCP. */
  reset(): void {
    resetConnection(this.#connection, this.#socket);
  }

  #take(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    for (;;) {
      if (this.#waiting.length < 9) return;
      const length = this.#waiting.readUIntBE(0, 3);
      if (this.#waiting.length < 9 + length) return;
      const type = this.#waiting[3] ?? 0;
      const flags = this.#waiting[4] ?? 0;
      const stream = this.#waiting.readUInt32BE(5) & 0x7fffffff;
      const payload = this.#waiting.subarray(9, 9 + length);
      this.frames.push({
        type: TYPES[type] ?? 'other',
        stream,
        endStream: type <= 1 && (flags & Flag.endStream) !== 0,
        bytes: payload,
      });
      if (type === FrameType.settings && flags === 0)
        this.#socket.write(frame(FrameType.settings, Flag.ack, 0));
      if (type === FrameType.ping && flags === 0)
        this.#socket.write(frame(FrameType.ping, Flag.ack, 0, payload));
      this.#waiting = this.#waiting.subarray(9 + length);
    }
  }
}

/** Bytes of a frame. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Bytes of a HEADERS frame with these fields. */
export function headersFrame(
  stream: number,
  fields: Readonly<Record<string, string>>,
  flags: number,
): Buffer {
  const block = Object.entries(fields).map(([name, value]) => literalField(name, value));
  return frame(FrameType.headers, flags, stream, Buffer.concat(block));
}

/** Bytes of a RST_STREAM frame. */
export function resetFrame(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return frame(FrameType.reset, 0, stream, payload);
}

/** HPACK: literal field without indexing, new name, no Huffman coding (RFC 7541 section 6.2.2). */
export function literalField(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), hpackText(name), hpackText(value)]);
}

function hpackText(text: string): Buffer {
  const length: number[] = [];
  if (text.length < 127) length.push(text.length);
  else {
    length.push(127);
    let rest = text.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 0x7f) | 0x80);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), Buffer.from(text, 'latin1')]);
}
