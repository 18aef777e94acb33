/**
 * Protobuf written by hand, right or wrong: for messages that no encoder would make.
 */

/** A varint, padded with empty continuation bytes to `minBytes`. */
export function varint(value: number | bigint, minBytes = 1): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < minBytes);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0x7f;
  return Buffer.from(bytes);
}

/** A varint field. */
export function number(field: number, value: number | bigint, minBytes = 1): Buffer {
  return Buffer.concat([varint(field << 3), varint(value, minBytes)]);
}

/** A length-delimited field. */
export function delimited(field: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

/** A field of a fixed width: wire type 1 (8 bytes) or 5 (4 bytes). */
export function fixed(field: number, bytes: 4 | 8): Buffer {
  return Buffer.concat([varint((field << 3) | (bytes === 8 ? 1 : 5)), Buffer.alloc(bytes, 0xee)]);
}

/** A batch of one frame. */
export function batch(...parts: readonly Buffer[]): Buffer {
  return delimited(1, ...parts);
}
