/**
 * Protobuf wire format, writing side: sizes first, then bytes into a buffer that has that room, so
 * that a batch costs one allocation. Only what tunnel.proto uses: varints and length-delimited fields.
 * https://protobuf.dev/programming-guides/encoding/
 */

/** Up to here a loop in JavaScript is faster than a call into Node's own code. */
const SHORT_TEXT = 24;

/** Bytes that an unsigned varint of up to 53 bits takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  if (value < 0x800000000) return 5;
  if (value < 0x40000000000) return 6;
  return value < 0x2000000000000 ? 7 : 8;
}

/** Size of a length-delimited field with a one- or two-byte tag. */
export function fieldSize(field: number, bytes: number): number {
  return varintSize(field << 3) + varintSize(bytes) + bytes;
}

/** A varint field; absent when zero, as proto3 has it. */
export function varintFieldSize(field: number, value: number): number {
  return value === 0 ? 0 : varintSize(field << 3) + varintSize(value);
}

/** A latin1 text as a bytes field; absent when empty. */
export function latin1FieldSize(field: number, text: string): number {
  return text.length === 0 ? 0 : fieldSize(field, text.length);
}

/** A UTF-8 string field; absent when empty. */
export function stringFieldSize(field: number, text: string): number {
  return text.length === 0 ? 0 : fieldSize(field, utf8Length(text));
}

/** Bytes of a text as UTF-8; nearly all texts of frames are short and plain ASCII. */
export function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text);
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}

/** Writes fields one after another into a buffer that has the room. */
export class WireWriter {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer;
    this.#at = at;
  }

  /** Where the next byte goes. */
  get at(): number {
    return this.#at;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  varintField(field: number, value: number): void {
    if (value === 0) return;
    this.varint(field << 3);
    this.varint(value);
  }

  /** Tag and length of a length-delimited field whose content the caller writes next. */
  startField(field: number, bytes: number): void {
    this.varint((field << 3) | 2);
    this.varint(bytes);
  }

  bytesField(field: number, bytes: Uint8Array): void {
    this.startField(field, bytes.length);
    this.bytes(bytes);
  }

  /** Part of the content of a field. */
  bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  latin1Field(field: number, text: string): void {
    if (text.length === 0) return;
    this.latin1Item(field, text);
  }

  /** Item of a repeated field: written even when empty. */
  latin1Item(field: number, text: string): void {
    this.startField(field, text.length);
    this.#latin1(text);
  }

  stringField(field: number, text: string): void {
    if (text.length === 0) return;
    this.stringItem(field, text);
  }

  /** Item of a repeated field: written even when empty. */
  stringItem(field: number, text: string): void {
    const bytes = utf8Length(text);
    this.startField(field, bytes);
    if (bytes === text.length) return this.#latin1(text);
    this.#at += this.#buffer.write(text, this.#at, bytes, 'utf8');
  }

  #latin1(text: string): void {
    if (text.length > SHORT_TEXT) {
      this.#at += this.#buffer.write(text, this.#at, text.length, 'latin1');
      return;
    }
    for (let i = 0; i < text.length; i++) this.#buffer[this.#at++] = text.charCodeAt(i);
  }
}
