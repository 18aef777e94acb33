/**
 * Removes what belongs to one connection only (RFC 9110 section 7.6.1) and what a caller must never
 * send to a target. Pure; used once per hop and direction.
 */
import { headerValues } from './header-list.js';
import type { HeaderList } from './header-list.js';
import { HeaderNames } from './header-names.js';

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/**
 * Headers that frame or address the message; a Connection header cannot make them disappear. It names Upgrade
 * as a matter of course, which a switch of protocols keeps.
 */
const NEVER_CONNECTION_NAMED: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'expect',
  'upgrade',
]);

/** Headers by which a caller would tell the next server who it is or where the request came from. */
const CALLER_ONLY = [
  'authorization',
  'x-opsmx-token',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-prefix',
  'x-real-ip',
];

/** A credential in a response is none of the caller's business (v3.5 dropped it too). */
const TARGET_ONLY = ['authorization'];

const NOT_FORWARDED = droppedNames(HOP_BY_HOP);
const NOT_FROM_CALLERS = droppedNames([...HOP_BY_HOP, ...CALLER_ONLY]);
const NOT_FROM_TARGETS = droppedNames([...HOP_BY_HOP, ...TARGET_ONLY]);

/** The end-to-end headers, in order. `keepUpgrade` keeps Upgrade, for a protocol switch. */
export function endToEndHeaders(headers: HeaderList, keepUpgrade = false): HeaderList {
  return without(headers, NOT_FORWARDED, keepUpgrade);
}

/** A caller's headers as they enter the tunnel: end to end, and without its credentials for us. */
export function callerHeaders(headers: HeaderList, isUpgrade: boolean): HeaderList {
  return without(headers, NOT_FROM_CALLERS, isUpgrade);
}

/** The headers of a target's answer as they enter the tunnel: end to end, and without a credential. */
export function answerHeaders(headers: HeaderList, isSwitch: boolean): HeaderList {
  return without(headers, NOT_FROM_TARGETS, isSwitch);
}

/** What is dropped of a message, and of one that switches protocols. */
interface DroppedNames {
  readonly ordinary: HeaderNames;
  readonly switching: HeaderNames;
}

function droppedNames(lowerNames: readonly string[]): DroppedNames {
  return {
    ordinary: new HeaderNames(lowerNames),
    switching: new HeaderNames(lowerNames.filter((name) => name !== 'upgrade')),
  };
}

/** The very list when nothing has to go. */
function without(headers: HeaderList, names: DroppedNames, isSwitch: boolean): HeaderList {
  const dropped = isSwitch ? names.switching : names.ordinary;
  // Connection is one of them: where none is, no Connection header names others
  if (!dropped.isIn(headers)) return headers;
  const named = connectionOptions(headers);
  const kept: HeaderList = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!dropped.has(name) && !named.has(name)) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

/** Names that the Connection headers list. */
function connectionOptions(headers: HeaderList): HeaderNames {
  const value = headerValues(headers, 'connection').join(',');
  return USUAL_OPTIONS.get(value) ?? namedOptions(value);
}

function namedOptions(value: string): HeaderNames {
  const options = value.toLowerCase().split(',');
  const names = options.map((option) => option.trim());
  return new HeaderNames(names.filter((name) => name !== '' && !NEVER_CONNECTION_NAMED.has(name)));
}

/** What nearly all messages say, or leave unsaid, is taken apart beforehand. */
const USUAL_OPTIONS: ReadonlyMap<string, HeaderNames> = new Map(
  ['', 'keep-alive', 'Keep-Alive', 'close', 'Upgrade'].map((value) => [value, namedOptions(value)]),
);
