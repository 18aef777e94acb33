/**
 * The head of a target's response as it goes back through the tunnel.
 */
import { STATUS_CODES } from 'node:http';
import { headerValue } from '../http/header-list.js';
import type { HeaderList } from '../http/header-list.js';
import { answerHeaders } from '../http/hop-by-hop.js';
import { locationFromTarget } from '../http/location.js';
import type { ResponseHead } from '../protocol/frame.js';
import { headFault } from '../protocol/head-limits.js';
import type { TargetEndpoint } from './target.js';

/** Informational responses passed on per request; no credit covers heads, so they have to be few. */
export const MAX_INFORMATIONAL = 100;

/** RFC 9112 section 4; what breaks it cannot be sent on, and nobody needs it. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** What a target answered. */
export interface TargetResponse {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
  readonly method: string;
}

/** Changes the headers of an answer before they enter the tunnel. */
export type ResponseMap = (headers: HeaderList) => HeaderList;

/** The head for the stream: end-to-end headers, Location without the target's address. */
export function responseHead(
  response: TargetResponse,
  endpoint: TargetEndpoint,
  mapHeaders?: ResponseMap,
): ResponseHead {
  const { status, reason, method } = response;
  const headers = answerHeaders(response.headers, status === 101);
  return {
    status,
    reason: reason === STATUS_CODES[status] || !REASON_PHRASE.test(reason) ? '' : reason,
    headers: locatedHeaders(mapHeaders?.(headers) ?? headers, endpoint),
    ended: hasNoBody(status, method),
  };
}

/** What a tunnel cannot carry of a response head or of trailers, or undefined. */
export function unfitFields(headers: HeaderList, status = 200): string | undefined {
  if (status < 100) return `it answered with status ${status}`;
  const fault = headFault(headers);
  return fault === undefined ? undefined : `it sent ${fault}`;
}

function locatedHeaders(headers: HeaderList, endpoint: TargetEndpoint): HeaderList {
  // few responses have one, and the names of the target take longer to make than it does to look
  if (headerValue(headers, 'location') === undefined) return headers;
  const { basePath } = endpoint;
  return locationFromTarget(headers, { origins: originsOf(endpoint), basePath });
}

/** Statuses and methods whose responses never have a body (RFC 9110 section 6.4.1). */
function hasNoBody(status: number, method: string): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** How a target may write its own origin, lower case. */
function originsOf(endpoint: TargetEndpoint): string[] {
  const { authority, host, port, tls } = endpoint;
  const scheme = tls === undefined ? 'http' : 'https';
  const name = host.includes(':') ? `[${host}]` : host;
  const origins = [`${scheme}://${authority}`, `${scheme}://${name}:${port}`];
  return origins.map((origin) => origin.toLowerCase());
}
