/**
 * The few parts of the protobuf wire format that the OpenAPI v2 document needs: varints, strings
 * and nested messages. Source: protobuf.dev encoding.
 */

/** Collects the fields of one message. */
export class ProtobufWriter {
  readonly #parts: Buffer[] = [];

  /** A string field; '' is the default and is left out. */
  string(field: number, value: string): this {
    if (value !== '') this.#bytes(field, Buffer.from(value));
    return this;
  }

  /** A boolean field; false is the default and is left out. */
  boolean(field: number, value: boolean): this {
    if (value) this.#parts.push(varint(field << 3), varint(1));
    return this;
  }

  /** A nested message, written even when it is empty. */
  message(field: number, build: (writer: ProtobufWriter) => void): this {
    const nested = new ProtobufWriter();
    build(nested);
    this.#bytes(field, nested.finish());
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #bytes(field: number, value: Buffer): void {
    const lengthDelimited = 2;
    this.#parts.push(varint((field << 3) | lengthDelimited), varint(value.length), value);
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
