/**
 * What a response head promises of its body. A peer that breaks the promise must not get further than its
 * own caller: on a kept-alive connection surplus bytes would be the beginning of somebody else's response.
 */
import { headerCount, headerValue } from './header-list.js';
import type { HeaderList } from './header-list.js';

/** Bytes that Content-Length announces; undefined without one; `faulty` when it is none (RFC 9110 section 8.6). */
export function announcedLength(headers: HeaderList): number | 'faulty' | undefined {
  const value = headerValue(headers, 'content-length');
  if (value === undefined) return undefined;
  return headerCount(headers, 'content-length') === 1 && /^\d{1,15}$/.test(value)
    ? Number(value)
    : 'faulty';
}

/** Bytes of body that follow a response head, if that is known: none to HEAD, after 204 and 304, or when `ended`. */
export function bodyLength(
  { status, headers, ended }: { status: number; headers: HeaderList; ended: boolean },
  method: string,
): number | 'faulty' | undefined {
  const announced = announcedLength(headers);
  if (announced === 'faulty') return 'faulty';
  if (method === 'HEAD' || status === 204 || status === 304) return 0;
  return ended && (announced ?? 0) > 0 ? 'faulty' : announced;
}
