/**
 * An HTTP/2 client that shows the frames of the wire: whether a stream ended with END_STREAM or was reset
 * is what decides if a strict client takes a body for whole, and Node's own client does not tell.
 */
import * as tls from 'node:tls';
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
const SETTINGS = 4;
const END_STREAM = 1;
const END_HEADERS = 4;

/** Asks for one path and records every frame of its stream. */
export class FrameCaller {
  readonly frames: WireFrame[] = [];
  readonly #socket: tls.TLSSocket;
  #waiting = Buffer.alloc(0);

  static async ask(identity: CallerIdentity, path: string): Promise<FrameCaller> {
    const { port, ca, token } = identity;
    const socket = tls.connect({
      port,
      host: '127.0.0.1',
      ca,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    const caller = new FrameCaller(socket);
    const fields: [string, string][] = [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'localhost'],
      [':path', path],
      ['x-opsmx-token', token],
    ];
    const block = Buffer.concat(fields.map(([name, value]) => literalField(name, value)));
    const open = frame(1, END_STREAM | END_HEADERS, 1, block);
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0)), open]));
    return caller;
  }

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
  }

  /** Frames of the one stream. */
  get ofStream(): readonly WireFrame[] {
    return this.frames.filter((one) => one.stream === 1);
  }

  close(): void {
    this.#socket.destroy();
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
      this.frames.push({
        type: TYPES[type] ?? 'other',
        stream,
        endStream: type <= 1 && (flags & END_STREAM) !== 0,
        bytes: this.#waiting.subarray(9, 9 + length),
      });
      if (type === SETTINGS && flags === 0)
        this.#socket.write(frame(SETTINGS, 1, 0, Buffer.alloc(0)));
      this.#waiting = this.#waiting.subarray(9 + length);
    }
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK: literal field without indexing, new name, no Huffman coding (RFC 7541 section 6.2.2). */
function literalField(name: string, value: string): Buffer {
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
