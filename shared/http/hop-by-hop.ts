/**
 * Removes what belongs to one connection only (RFC 9110 section 7.6.1) and what a caller must never
 * send to a target. Pure; used once per hop and direction.
 */
import { headerValues } from './header-list.js';
import type { HeaderList } from './header-list.js';

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Headers that frame or address the message; a Connection header cannot make them disappear. */
const NEVER_CONNECTION_NAMED: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);

/** Headers by which a caller would tell the next server who it is or where the request came from. */
const CALLER_ONLY: ReadonlySet<string> = new Set([
  'authorization',
  'x-opsmx-token',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-prefix',
  'x-real-ip',
]);

/** The end-to-end headers, in order. `keepUpgrade` keeps Upgrade, for a protocol switch. */
export function endToEndHeaders(headers: HeaderList, keepUpgrade = false): HeaderList {
  const named = connectionOptions(headers);
  const kept: HeaderList = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const lower = name.toLowerCase();
    const isHop = HOP_BY_HOP.has(lower) && !(keepUpgrade && lower === 'upgrade');
    if (isHop || (named.has(lower) && lower !== 'upgrade')) continue;
    kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

/** A caller's headers as they enter the tunnel: end to end, and without its credentials for us. */
export function callerHeaders(headers: HeaderList, isUpgrade: boolean): HeaderList {
  const kept = endToEndHeaders(headers, isUpgrade);
  for (let i = kept.length - 2; i >= 0; i -= 2) {
    if (CALLER_ONLY.has((kept[i] ?? '').toLowerCase())) kept.splice(i, 2);
  }
  return kept;
}

const NO_OPTIONS: ReadonlySet<string> = new Set();

/** Names that the Connection headers list. */
function connectionOptions(headers: HeaderList): ReadonlySet<string> {
  const values = headerValues(headers, 'connection');
  if (values.length === 0) return NO_OPTIONS;
  const names = new Set<string>();
  for (const name of values.join(',').toLowerCase().split(',')) {
    const option = name.trim();
    if (option !== '' && !NEVER_CONNECTION_NAMED.has(option)) names.add(option);
  }
  return names;
}
