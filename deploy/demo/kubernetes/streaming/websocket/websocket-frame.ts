/**
 * WebSocket frames (RFC 6455 section 5) as bytes: cut out of a stream of chunks, and written.
 * Used by websocket-connection.ts on the server side: what arrives is masked, what is sent is not.
 */

/** Operation codes. */
export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;

/** A frame with its payload unmasked. */
export interface WebSocketFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** A peer that does not keep to RFC 6455; the connection is closed with the code. */
export class WebSocketError extends Error {
  constructor(
    readonly closeCode: number,
    message: string,
  ) {
    super(message);
    this.name = 'WebSocketError';
  }
}

/** Cuts frames out of the bytes that arrive. */
export class WebSocketFrameReader {
  #buffered: Buffer = Buffer.alloc(0);

  constructor(private readonly maxPayloadBytes: number) {}

  /** Adds bytes and returns the frames that are complete now. Throws WebSocketError. */
  push(chunk: Buffer): WebSocketFrame[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const frames: WebSocketFrame[] = [];
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
    }
  }

  #next(): WebSocketFrame | undefined {
    const bytes = this.#buffered;
    const [first, second] = bytes;
    if (first === undefined || second === undefined) return undefined;
    if ((second & 0x80) === 0) throw new WebSocketError(1002, 'a frame of a client is not masked');
    if ((first & 0x70) !== 0) throw new WebSocketError(1002, 'a reserved bit is set');
    const shortLength = second & 0x7f;
    const lengthBytes = shortLength === 126 ? 2 : shortLength === 127 ? 8 : 0;
    const maskAt = 2 + lengthBytes;
    if (bytes.length < maskAt + 4) return undefined;
    let length = shortLength;
    if (lengthBytes === 2) length = bytes.readUInt16BE(2);
    if (lengthBytes === 8) length = Number(bytes.readBigUInt64BE(2));
    if (length > this.maxPayloadBytes) throw new WebSocketError(1009, 'the frame is too long');
    const start = maskAt + 4;
    if (bytes.length < start + length) return undefined;
    const payload = unmasked(bytes.subarray(start, start + length), bytes.subarray(maskAt, start));
    this.#buffered = bytes.subarray(start + length);
    return { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, payload };
  }
}

/** The bytes of one unfragmented, unmasked frame. */
export function webSocketFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  let head: Buffer;
  if (length < 126) {
    head = Buffer.from([0x80 | opcode, length]);
  } else if (length < 65_536) {
    head = Buffer.alloc(4);
    head[1] = 126;
    head.writeUInt16BE(length, 2);
  } else {
    head = Buffer.alloc(10);
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  head[0] = 0x80 | opcode;
  return Buffer.concat([head, payload]);
}

function unmasked(payload: Buffer, mask: Buffer): Buffer {
  const plain = Buffer.allocUnsafe(payload.length);
  for (let index = 0; index < payload.length; index += 1) {
    plain[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
  return plain;
}
