/**
 * Header values as bytes, as strings of such bytes (latin1, the form of a HeaderList) and as text: what is
 * not ASCII in them is taken for UTF-8.
 */

/** Nearly every value is without, and is then all three the same. */
const NON_ASCII = /[^\0-\x7f]/;

/** The text in a value. */
export function textOfHeader(value: string): string {
  return NON_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

/** The value that holds a text. */
export function headerOfText(text: string): string {
  return NON_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** What `toString('latin1')` calls in the end; Node's types leave it out. */
interface Latin1Bytes {
  latin1Slice(): string;
}

/** A name or value as it came; a fifth quicker than `toString`, of which a response needs some twenty. */
export function headerOfBytes(bytes: Buffer): string {
  return (bytes as unknown as Latin1Bytes).latin1Slice();
}
