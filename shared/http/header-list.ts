/**
 * HTTP header fields as the wire has them: a flat list [name, value, name, value, …] in order, with
 * duplicates and original case, the form of Node's `rawHeaders`. Values are latin1 strings.
 */

import { validateHeaderName, validateHeaderValue } from 'node:http';

/**
 * Flat list of alternating names and values; its length is even. A list that was handed on is not changed:
 * what has nothing to drop or add hands on the very list it got.
 */
export type HeaderList = string[];

/** Whether a name is `lowerName`, whatever its case. */
export function isHeaderName(name: string, lowerName: string): boolean {
  return name.length === lowerName.length && name.toLowerCase() === lowerName;
}

/** First value of a header (name in lower case), or undefined. */
export function headerValue(headers: HeaderList, lowerName: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (isHeaderName(headers[i] ?? '', lowerName)) return headers[i + 1];
  }
  return undefined;
}

/** How many headers of a name (in lower case) there are. */
export function headerCount(headers: HeaderList, lowerName: string): number {
  let count = 0;
  for (let i = 0; i < headers.length; i += 2) {
    if (isHeaderName(headers[i] ?? '', lowerName)) count++;
  }
  return count;
}

/** All values of a header (name in lower case), in order. */
export function headerValues(headers: HeaderList, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (isHeaderName(headers[i] ?? '', lowerName)) values.push(headers[i + 1] ?? '');
  }
  return values;
}

/** A new list without the headers that `isDropped` (given the lower-case name) claims. */
export function withoutHeaders(
  headers: HeaderList,
  isDropped: (lowerName: string) => boolean,
): HeaderList {
  const kept: HeaderList = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!isDropped(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

/** Bytes that the list takes on the wire as HTTP/1 lines. */
export function headerBytes(headers: HeaderList): number {
  let bytes = 0;
  for (const text of headers) bytes += text.length + 2;
  return bytes;
}

/** The list as HTTP/1 lines, each with its line end. Throws for bytes that no header may hold. */
export function headerLines(headers: HeaderList): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    validateHeaderName(name);
    validateHeaderValue(name, value);
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

/** The list as pairs of name and value, the form that Node's addTrailers takes. */
export function headerPairs(headers: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i] ?? '', headers[i + 1] ?? '']);
  return pairs;
}
