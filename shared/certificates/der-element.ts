/**
 * Just enough DER (X.690) to find a field inside a certificate and hand it on byte for byte.
 * Used to read names and extensions that `X509Certificate` shows only as text. Signatures, chains and
 * the syntax as a whole are checked by OpenSSL before; this file checks only that it stays inside its bytes.
 */

/** One tag-length-value. `whole` and `contents` are views into the bytes that were read. */
export interface DerElement {
  /** The identifier octet: class, constructed bit and number together, e.g. 0x30 for SEQUENCE. */
  readonly tag: number;
  readonly contents: Buffer;
  readonly whole: Buffer;
}

/** Identifier octets of the types that certificates are made of. */
export const DER_TAG = {
  boolean: 0x01,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Reads the one element that starts at the beginning of `bytes`; throws RangeError when it does not fit. */
export function readDer(bytes: Buffer): DerElement {
  const tag = bytes[0];
  const firstLength = bytes[1];
  if (tag === undefined || firstLength === undefined) throw new RangeError('DER ends early');
  if ((tag & 0x1f) === 0x1f) throw new RangeError('DER tag numbers above 30 are not expected here');

  let start = 2;
  let length = firstLength;
  if (firstLength >= 0x80) {
    const lengthBytes = firstLength & 0x7f;
    // None: indefinite, which DER does not have. Four bytes are already 4 GiB.
    if (lengthBytes === 0 || lengthBytes > 4) throw new RangeError('DER length is not definite');
    start += lengthBytes;
    if (start > bytes.length) throw new RangeError('DER ends early');
    length = bytes.readUIntBE(2, lengthBytes);
  }
  if (start + length > bytes.length) throw new RangeError('DER ends early');
  return {
    tag,
    contents: bytes.subarray(start, start + length),
    whole: bytes.subarray(0, start + length),
  };
}

/** The elements inside a constructed element, in order. */
export function derChildren(element: DerElement): DerElement[] {
  const children: DerElement[] = [];
  let rest = element.contents;
  while (rest.length > 0) {
    const child = readDer(rest);
    children.push(child);
    rest = rest.subarray(child.whole.length);
  }
  return children;
}

/** The text of an ASN.1 string; throws RangeError for types that names in certificates do not use. */
export function derText(element: DerElement): string {
  switch (element.tag) {
    case DER_TAG.utf8String:
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(element.contents);
    case DER_TAG.printableString:
    case DER_TAG.teletexString:
    case DER_TAG.ia5String:
      return element.contents.toString('latin1');
    case DER_TAG.bmpString:
      return new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }).decode(element.contents);
    default:
      throw new RangeError(`DER type ${element.tag} is not a text`);
  }
}
