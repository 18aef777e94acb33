/**
 * Protobuf wire format, reading side: a cursor over one message. Every length is checked against the
 * message before anything is taken; bytes are slices, not copies.
 */
import { TunnelError } from '../errors.js';

/** A field's number and wire type, as one number: `(field << 3) | type`. */
export type FieldTag = number;

/** Tag of a length-delimited field. */
export function bytesTag(field: number): FieldTag {
  return (field << 3) | 2;
}

/** Tag of a varint field. */
export function varintTag(field: number): FieldTag {
  return field << 3;
}

/** A violation of the wire format or of the protocol's limits. */
export function wireError(what: string): TunnelError {
  return new TunnelError('PROTOCOL_VIOLATION', `undecodable frame: ${what}`);
}

/** A slice keeps its whole message in memory: at most this many times its own size. */
const MOST_HELD_BACK = 4;
/** Bytes of a message whose texts are pieces of one string; nearly all heads are smaller. */
const SHARED_TEXT = 16 * 1024;
/** Bytes of the longest varint that protobuf has, a 64-bit one. */
const MAX_VARINT_BYTES = 10;

/** Reads one message field by field. */
export class WireReader {
  readonly #buffer: Buffer;
  readonly #start: number;
  #at: number;
  readonly #end: number;
  /** The whole message as latin1, once a piece of it has been asked for. */
  #text: string | undefined;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#start = start;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** An unsigned varint of at most 53 bits. */
  varint(): number {
    const first = this.#buffer[this.#at] ?? 0;
    if (first < 0x80 && this.#at < this.#end) {
      this.#at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      if (this.#at >= this.#end) throw wireError('varint is cut short');
      const byte = this.#buffer[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw wireError('varint is too large');
        return value;
      }
      scale *= 0x80;
    }
    throw wireError('varint is too long');
  }

  /** A varint that fits 32 bits. */
  uint32(): number {
    const value = this.varint();
    if (value > 0xffffffff) throw wireError('number is over 32 bits');
    return value;
  }

  bool(): boolean {
    return this.varint() !== 0;
  }

  /** A sub-message or byte string as a reader of its own. */
  message(): WireReader {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return new WireReader(this.#buffer, start, start + length);
  }

  /** A byte string as a slice of the message, which lives as long as the slice does. */
  bytes(): Buffer {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return this.#buffer.subarray(start, start + length);
  }

  /** A byte string that may be kept: copied when it would hold back a message several times its size. */
  bytesToKeep(): Buffer {
    const bytes = this.bytes();
    return bytes.length * MOST_HELD_BACK < this.#buffer.length ? Buffer.from(bytes) : bytes;
  }

  /** Cut from the text of the whole message: a head has a dozen, and each call into Node's own code costs. */
  latin1(): string {
    const length = this.#length();
    // a piece keeps the text that it was cut from in memory
    if (this.#end - this.#start > SHARED_TEXT) {
      const at = this.#at;
      this.#at += length;
      return this.#buffer.toString('latin1', at, at + length);
    }
    this.#text ??= this.#buffer.toString('latin1', this.#start, this.#end);
    const start = this.#at - this.#start;
    this.#at += length;
    return this.#text.substring(start, start + length);
  }

  string(): string {
    const length = this.#length();
    const start = this.#at;
    this.#at += length;
    return this.#buffer.toString('utf8', start, start + length);
  }

  /** Passes over a field that this version does not know. */
  skip(tag: FieldTag): void {
    if (tag < 8) throw wireError('field number 0');
    switch (tag & 7) {
      case 0:
        this.#skipVarint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.#length());
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw wireError(`wire type ${tag & 7}`);
    }
  }

  /** Also the 64-bit ones, which this version has no use for. */
  #skipVarint(): void {
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      if (this.#at >= this.#end) throw wireError('varint is cut short');
      if ((this.#buffer[this.#at++] ?? 0) < 0x80) return;
    }
    throw wireError('varint is too long');
  }

  #length(): number {
    const length = this.varint();
    if (length > this.#end - this.#at) throw wireError('field is longer than its message');
    return length;
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#at) throw wireError('field is longer than its message');
    this.#at += bytes;
  }
}
