/**
 * Sends answers the way an apiserver does: JSON with a newline, Audit-Id, gzip for large bodies
 * when asked, ETags for documents, errors as Status objects. Used by all handlers.
 */
import { createHash, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Json } from '../objects/json-value.js';
import { internalError, StatusError } from '../status-error.js';
import type { Exchange } from './exchange.js';
import { headerOf } from './exchange.js';

/** Bodies above this are compressed when the caller accepts gzip (apiserver: 128 KiB, level 1). */
const GZIP_THRESHOLD_BYTES = 128 * 1024;

const gzipBody = promisify(gzip);

/** Headers that every answer carries. */
export function commonHeaders(): Record<string, string> {
  return { 'Audit-Id': randomUUID(), 'Cache-Control': 'no-cache, private' };
}

/** Sends a JSON value. */
export async function sendJson(
  exchange: Exchange,
  status: number,
  value: Json,
  headers: Readonly<Record<string, string | string[]>> = {},
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  await sendBytes(exchange, status, body, { 'Content-Type': 'application/json', ...headers });
}

/** Sends bytes of any type, compressed when they are large and the caller accepts it. */
async function sendBytes(
  exchange: Exchange,
  status: number,
  body: Buffer,
  headers: Readonly<Record<string, string | string[]>>,
): Promise<void> {
  const acceptsGzip = /\bgzip\b/.test(headerOf(exchange, 'accept-encoding'));
  const isCompressed = acceptsGzip && body.length > GZIP_THRESHOLD_BYTES;
  const sent = isCompressed ? await gzipBody(body, { level: 1 }) : body;
  if (exchange.response.headersSent || exchange.response.destroyed) return;
  exchange.response.writeHead(status, {
    ...commonHeaders(),
    ...(isCompressed ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {}),
    ...headers,
    'Content-Length': String(sent.length),
  });
  exchange.response.end(exchange.method === 'HEAD' ? undefined : sent);
}

/** Sends a document with an ETag, or 304 when the caller has it already. */
export async function sendDocument(
  exchange: Exchange,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const etag = `"${documentHash(body)}"`;
  const cacheHeaders = { 'Cache-Control': 'public', ...headers, ETag: etag, Vary: 'Accept' };
  const known = headerOf(exchange, 'if-none-match').split(',');
  if (known.some((entry) => entry.trim() === etag)) {
    exchange.response.writeHead(304, { 'Audit-Id': randomUUID(), ...cacheHeaders });
    exchange.response.end();
    return;
  }
  await sendBytes(exchange, 200, body, cacheHeaders);
}

/** The hash by which documents are known, in capitals as the apiserver writes it. */
export function documentHash(body: Buffer): string {
  return createHash('sha512').update(body).digest('hex').toUpperCase();
}

/** Sends plain text. */
export async function sendText(exchange: Exchange, status: number, text: string): Promise<void> {
  await sendBytes(exchange, status, Buffer.from(text), {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  });
}

/** Sends any error as a Status object; what is no StatusError is a fault of this server. */
export async function sendError(exchange: Exchange, error: unknown): Promise<void> {
  const refusal = error instanceof StatusError ? error : internalError(String(error));
  if (exchange.response.headersSent) {
    exchange.response.destroy(); // a cut body must never look whole
    return;
  }
  await sendJson(exchange, refusal.code, refusal.toStatus(), refusal.headers);
}

/** The Warning header for a text, in the form that kubectl prints. */
export function warningHeader(text: string): string {
  return `299 - "${text.replace(/["\\]/g, '\\$&')}"`;
}
