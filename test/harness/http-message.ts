/**
 * HTTP/1 messages as bytes: reads one off the front of a buffer without changing anything in it. Naive on
 * purpose, and nothing of the product's: the clients and targets of the tests see with it what was sent.
 */

/** A message with its body taken out of its framing. */
export interface HttpMessage {
  /** Request line or status line. */
  readonly startLine: string;
  /** Names and values in turn, as they were written. */
  readonly headers: string[];
  readonly body: Buffer;
  readonly trailers: string[];
  /** Bytes of the head as they came, latin1, without the empty line. */
  readonly head: string;
}

/** What frames the body of a message. */
export type Framing = 'none' | 'chunked' | 'until-close' | number;

/** A head and where its body begins. */
export interface HttpHead extends Omit<HttpMessage, 'body' | 'trailers'> {
  readonly bodyAt: number;
}

/** Body bytes, trailers, and where the next message begins. */
export interface HttpBody {
  readonly body: Buffer;
  readonly trailers: string[];
  readonly endAt: number;
}

/** The head at the front of `bytes`, or undefined while it is incomplete. */
export function readHead(bytes: Buffer): HttpHead | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const [startLine = '', ...lines] = head.split('\r\n');
  return { startLine, headers: lines.flatMap(field), head, bodyAt: end + 4 };
}

/** First value of a header (name in lower case). */
export function header(headers: readonly string[], lowerName: string): string | undefined {
  return allOf(headers, lowerName)[0];
}

/** All values of a header (name in lower case), in order. */
export function allOf(headers: readonly string[], lowerName: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === lowerName);
}

/** Names of headers, in lower case, in order. */
export function names(headers: readonly string[]): string[] {
  return headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
}

/** How the body after a request head is framed. */
export function requestFraming(headers: readonly string[]): Framing {
  if (header(headers, 'transfer-encoding') !== undefined) return 'chunked';
  const length = header(headers, 'content-length');
  return length === undefined ? 'none' : Number(length);
}

/** How the body after a response head is framed. */
export function responseFraming(head: HttpHead, method: string): Framing {
  const status = Number(head.startLine.split(' ')[1]);
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  const framing = requestFraming(head.headers);
  return framing === 'none' ? 'until-close' : framing;
}

/** The body at the front of `bytes`; undefined while it is incomplete. */
export function readBody(bytes: Buffer, framing: Framing, isEnded: boolean): HttpBody | undefined {
  if (framing === 'chunked') return readChunks(bytes);
  if (framing === 'until-close')
    return isEnded ? { body: bytes, trailers: [], endAt: bytes.length } : undefined;
  const length = framing === 'none' ? 0 : framing;
  if (bytes.length < length) return undefined;
  return { body: bytes.subarray(0, length), trailers: [], endAt: length };
}

function readChunks(bytes: Buffer): HttpBody | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error('not a chunk size');
    at = lineEnd + 2;
    if (size === 0) break;
    if (bytes.length < at + size + 2) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  const body = Buffer.concat(parts);
  if (bytes.toString('latin1', at, at + 2) === '\r\n') return { body, trailers: [], endAt: at + 2 };
  const end = bytes.indexOf('\r\n\r\n', at);
  if (end < 0) return undefined;
  const trailers = bytes.toString('latin1', at, end).split('\r\n').flatMap(field);
  return { body, trailers, endAt: end + 4 };
}

function field(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
