/**
 * Three kinds of callers behind one interface, for what must hold for each: HTTP/1.1 by ALPN, HTTP/1.1
 * without ALPN, HTTP/2. What only one of them can do is tested with raw-http.ts itself.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import { Http2Client, RawClient } from './raw-http.js';
import type { ClientTls } from './raw-http.js';

/** A request in the terms that all kinds share. */
export interface CallerRequest {
  readonly method?: string;
  readonly target: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  readonly body?: Buffer | string;
  /** HTTP/1: chunked with chunks of odd sizes. Without: Content-Length. */
  readonly isChunked?: boolean;
}

/** What all kinds show of a response. */
export interface CallerResponse {
  readonly status: number;
  readonly headers: string[];
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: string[];
}

/** A caller with one connection. */
export interface Caller {
  send(request: CallerRequest): Promise<CallerResponse>;
  close(): void;
}

/** The kinds of callers. */
export const CALLER_KINDS = ['http/1.1', 'no ALPN', 'h2'] as const;
export type CallerKind = (typeof CALLER_KINDS)[number];

/** Connects a caller; its requests go to `localhost:port` and bear `authorization` if given. */
export async function connectCaller(
  kind: CallerKind,
  port: number,
  tls: ClientTls,
  authorization?: string,
): Promise<Caller> {
  const own = authorization === undefined ? [] : ['Authorization', authorization];
  if (kind === 'h2') {
    const client = await Http2Client.connect({ port, tls });
    return {
      send: ({ method = 'GET', target, headers = [], body }) =>
        client.request(
          {
            ':method': method,
            ':path': target,
            ':authority': `localhost:${port}`,
            ...fields([...own, ...headers]),
          },
          body === undefined ? {} : { body },
        ),
      close: () => client.close(),
    };
  }
  const alpn = kind === 'http/1.1' ? { alpn: ['http/1.1'] } : {};
  const client = await RawClient.connect({ port, tls: { ...tls, ...alpn } });
  return {
    send: (request) => {
      const all = {
        ...request,
        headers: [`Host`, `localhost:${port}`, ...own, ...(request.headers ?? [])],
      };
      return client.exchange(http1Request(all), request.method ?? 'GET');
    },
    close: () => client.destroy(),
  };
}

/** A request as HTTP/1.1 bytes, framed by Content-Length or in chunks. */
export function http1Request(request: CallerRequest): Buffer {
  const { method = 'GET', target, headers = [], body, isChunked = false } = request;
  const lines = headers.flatMap((name, i) =>
    i % 2 === 0 ? [`${name}: ${headers[i + 1] ?? ''}`] : [],
  );
  const bytes = Buffer.from(body ?? '');
  if (isChunked) lines.push('Transfer-Encoding: chunked');
  else if (body !== undefined) lines.push(`Content-Length: ${bytes.length}`);
  const head = Buffer.from(
    [`${method} ${target} HTTP/1.1`, ...lines, '', ''].join('\r\n'),
    'latin1',
  );
  return Buffer.concat([head, isChunked ? chunked(bytes) : bytes]);
}

/** A body in chunks of odd sizes. */
export function chunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, size = 1; at < body.length; at += size, size = Math.min(size * 3 + 1, 40_000)) {
    const piece = body.subarray(at, at + size);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function fields(headers: readonly string[]): OutgoingHttpHeaders {
  const object: Record<string, string[]> = {};
  for (let i = 0; i < headers.length; i += 2) {
    (object[(headers[i] ?? '').toLowerCase()] ??= []).push(headers[i + 1] ?? '');
  }
  return Object.fromEntries(
    Object.entries(object).map(([name, values]) => [
      name,
      values.length === 1 ? values[0] : values,
    ]),
  );
}
