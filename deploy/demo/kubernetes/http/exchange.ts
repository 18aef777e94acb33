/**
 * One request with its answer, as handlers see it: method, decoded path, query, user.
 * Both HTTP versions look alike here. How connections come about is left to listener.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** One request and its response. */
export interface Exchange {
  readonly method: string;
  /** The target byte for byte. */
  readonly rawTarget: string;
  /** Decoded path segments, empty ones left out. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly user: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the caller is gone or the server closes. */
  readonly signal: AbortSignal;
}

/** Reads one header as text; repeated ones joined by commas. */
export function headerOf(exchange: Pick<Exchange, 'request'>, name: string): string {
  const value = exchange.request.headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** Splits a raw target into decoded segments and query. Undefined when it cannot be decoded. */
export function parseTarget(
  rawTarget: string,
): { segments: string[]; query: URLSearchParams } | undefined {
  const mark = rawTarget.indexOf('?');
  const path = mark < 0 ? rawTarget : rawTarget.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : rawTarget.slice(mark + 1));
  try {
    const segments = path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
    return { segments, query };
  } catch {
    return undefined; // malformed percent-encoding, the caller's mistake
  }
}

/** True for a query parameter given as `true` or `1`. */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value === 'true' || value === '1';
}
