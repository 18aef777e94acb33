/**
 * Header blocks of SPDY/3.1: name/value pairs, compressed with one zlib stream per direction that
 * lasts as long as the connection. What is sent is stored, not compressed: replies carry no headers.
 */
import { createInflate } from 'node:zlib';
import type { Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.js';

/** Longest header block that is taken, after decompression. */
const MAX_BLOCK_BYTES = 64 * 1024;

/** Headers by lower-case name. */
export type SpdyHeaders = ReadonlyMap<string, string>;

/** Reads the header blocks of one direction, in the order of their frames. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY });
  #plain: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #error: Error | undefined;

  constructor() {
    this.#inflate.on('data', (bytes: Buffer) => {
      this.#plain = Buffer.concat([this.#plain, bytes]);
      this.#wake();
    });
    this.#inflate.on('error', (error) => {
      this.#error = error;
      this.#wake();
    });
  }

  /** Decompresses one block. Rejects when it is no valid one. */
  async read(compressed: Buffer): Promise<SpdyHeaders> {
    this.#inflate.write(compressed);
    // A block says itself how long it is, so it is complete when it can be parsed.
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const block = parseBlock(this.#plain);
      if (block !== undefined) {
        this.#plain = this.#plain.subarray(block.lengthBytes);
        return block.headers;
      }
      if (this.#plain.length > MAX_BLOCK_BYTES) throw new Error('SPDY header block is too long');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Frees the decompressor; a read that waits is rejected. */
  close(): void {
    this.#inflate.close();
    this.#error ??= new Error('SPDY connection is closed');
    this.#wake();
  }
}

function parseBlock(bytes: Buffer): { headers: SpdyHeaders; lengthBytes: number } | undefined {
  let offset = 0;
  const number = () => {
    if (bytes.length < offset + 4) return undefined;
    offset += 4;
    return bytes.readUInt32BE(offset - 4);
  };
  const text = () => {
    const length = number();
    if (length === undefined || bytes.length < offset + length) return undefined;
    offset += length;
    return bytes.toString('utf8', offset - length, offset);
  };
  const headers = new Map<string, string>();
  const count = number();
  if (count === undefined) return undefined;
  for (let index = 0; index < count; index += 1) {
    const name = text();
    const value = text();
    if (name === undefined || value === undefined) return undefined;
    headers.set(name.toLowerCase(), value.replaceAll('\0', ', '));
  }
  return { headers, lengthBytes: offset };
}

/** Writes the header blocks of one direction. */
export class HeaderWriter {
  #hasStarted = false;

  /** The compressed form of a block. */
  write(headers: SpdyHeaders): Buffer {
    const block = headerBlock(headers);
    // Two stored blocks (RFC 1951 3.2.4); the empty one is the flush that readers wait for.
    const parts = [storedBlock(block), storedBlock(Buffer.alloc(0))];
    if (!this.#hasStarted) parts.unshift(zlibHeader());
    this.#hasStarted = true;
    return Buffer.concat(parts);
  }
}

function headerBlock(headers: SpdyHeaders): Buffer {
  const texts = [...headers].flat().map((entry) => Buffer.from(entry));
  const count = Buffer.alloc(4);
  count.writeUInt32BE(headers.size);
  return Buffer.concat([
    count,
    ...texts.flatMap((bytes) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  ]);
}

function storedBlock(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}

/** CMF and FLG with FDICT set (RFC 1950 2.2), then the dictionary's checksum. */
function zlibHeader(): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt16BE(0x78bb);
  header.writeUInt32BE(adler32(SPDY_DICTIONARY), 2);
  return header;
}

function adler32(bytes: Buffer): number {
  const modulus = 65_521;
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % modulus;
    high = (high + low) % modulus;
  }
  return high * 65_536 + low;
}
