/**
 * The head of an answer over Node's server, trailers announced or not.
 */
import type { ServerResponse } from 'node:http';
import { nodeErrorCode } from '../errors.js';
import type { ResponseHead } from '../protocol/frame.js';
import { withoutHeaders } from './header-list.js';

/** Writes it. Throws what Node throws for heads that HTTP/1.1 cannot carry. */
export function writeHead(
  response: ServerResponse,
  { status, reason, headers }: Pick<ResponseHead, 'status' | 'reason' | 'headers'>,
): void {
  const text = reason === '' ? undefined : reason;
  try {
    response.writeHead(status, text, headers);
  } catch (fault) {
    // to Node, what no chunks can follow cannot announce trailers: HEAD, 304, a Content-Length, HTTP/1.0
    if (nodeErrorCode(fault) !== 'ERR_HTTP_TRAILER_INVALID') throw fault;
    const others = withoutHeaders(headers, (name) => name === 'trailer');
    response.writeHead(status, text, others);
  }
}
