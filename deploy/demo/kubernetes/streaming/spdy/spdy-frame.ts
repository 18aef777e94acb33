/** Frames of SPDY/3.1 as bytes (draft-mbelshe-httpbis-spdy-00 section 2.2). */

/** Types of control frames. */
export const CONTROL = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** The sender of a frame with this flag sends no more on the stream. */
export const FLAG_FIN = 0x01;

/** A frame as it was cut out of the connection's bytes. */
export type SpdyFrame =
  | {
      readonly kind: 'data';
      readonly streamId: number;
      readonly flags: number;
      readonly payload: Buffer;
    }
  | {
      readonly kind: 'control';
      readonly type: number;
      readonly flags: number;
      readonly payload: Buffer;
    };

const HEAD_BYTES = 8;
const VERSION = 3;

/** Cuts frames out of the bytes that arrive. */
export class SpdyFrameReader {
  #buffered: Buffer = Buffer.alloc(0);

  /** Adds bytes and returns the frames that are complete now. */
  push(chunk: Buffer): SpdyFrame[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const frames: SpdyFrame[] = [];
    while (this.#buffered.length >= HEAD_BYTES) {
      const bytes = this.#buffered;
      const length = bytes.readUIntBE(5, 3);
      if (bytes.length < HEAD_BYTES + length) break;
      const payload = bytes.subarray(HEAD_BYTES, HEAD_BYTES + length);
      const flags = bytes.readUInt8(4);
      const isControl = (bytes.readUInt8(0) & 0x80) !== 0;
      frames.push(
        isControl
          ? { kind: 'control', type: bytes.readUInt16BE(2), flags, payload }
          : { kind: 'data', streamId: bytes.readUInt32BE(0), flags, payload },
      );
      this.#buffered = bytes.subarray(HEAD_BYTES + length);
    }
    return frames;
  }
}

/** The bytes of a data frame. */
export function dataFrame(streamId: number, payload: Buffer, isLast: boolean): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(streamId);
  head.writeUInt8(isLast ? FLAG_FIN : 0, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** The bytes of a control frame. */
export function controlFrame(type: number, payload: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt16BE(0x8000 | VERSION);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

/** A payload of 32-bit numbers. */
export function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}
