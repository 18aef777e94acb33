/** One request to the demo Jenkins, and the usual ways to answer it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';

/** A request below the prefix with its response. */
export interface JenkinsExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path segments after the prefix, decoded once. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  /** Scheme, host as the caller named it, and prefix: what Stapler builds absolute URLs from. */
  readonly origin: string;
}

/** Scheme and host that the caller used. */
export function originOf(request: IncomingMessage): string {
  const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
  const authority = request.headers.host ?? request.headers[':authority'];
  return `${scheme}://${String(authority ?? 'localhost')}`;
}

/** Sends a body of known length. */
export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'X-Jenkins': '2.479.1',
    'Content-Type': type,
    'Content-Length': String(bytes.length),
    ...headers,
  });
  response.end(bytes);
}

/** Sends what Jenkins sends for paths that do not exist. */
export function sendMissing(response: ServerResponse): void {
  send(
    response,
    404,
    'text/html;charset=utf-8',
    '<html><body><h2>HTTP ERROR 404</h2></body></html>\n',
  );
}

/** Sends a redirect with an empty body. */
export function sendRedirect(response: ServerResponse, status: number, location: string): void {
  response.writeHead(status, { 'X-Jenkins': '2.479.1', Location: location, 'Content-Length': '0' });
  response.end();
}
