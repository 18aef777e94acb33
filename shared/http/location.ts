/**
 * Location headers on their way back through the tunnel (design 4): the agent turns what points at the
 * target into a path below its base URL, the listener turns that into the caller's own origin and
 * prefix. What points elsewhere is left alone. Text is cut and joined, never parsed and printed again.
 */
import { isHeaderName } from './header-list.js';
import type { HeaderList } from './header-list.js';

/** The target's side: scheme and authority as the target may write itself, and its base path. */
export interface TargetOrigin {
  /** Origins that mean the target, lower case, without a slash at the end: `https://jenkins.corp:8443`. */
  readonly origins: readonly string[];
  readonly basePath: string;
}

/** Agent: a Location that points at the target becomes a path without the base path. */
export function locationFromTarget(headers: HeaderList, target: TargetOrigin): HeaderList {
  return mapLocation(headers, (value) => {
    const path = pathAtTarget(value, target.origins);
    if (path === undefined) return value;
    const rest = afterPrefix(path, target.basePath);
    return rest === undefined ? value : unmistakable(rest);
  });
}

/** Listener: a path becomes an address that the caller can use. `origin` is `https://host:port`. */
export function locationForCaller(headers: HeaderList, origin: string, prefix: string): HeaderList {
  return mapLocation(headers, (value) =>
    value.startsWith('/') && !value.startsWith('//') ? origin + prefix + value : value,
  );
}

function pathAtTarget(value: string, origins: readonly string[]): string | undefined {
  if (value.startsWith('/') && !value.startsWith('//')) return value;
  for (const origin of origins) {
    // `//host/path` leaves the scheme out
    const start = value.startsWith('//') ? origin.slice(origin.indexOf('//')) : origin;
    if (!value.slice(0, start.length).toLowerCase().startsWith(start)) continue;
    const path = afterPrefix(value, value.slice(0, start.length));
    if (path !== undefined) return path;
  }
  return undefined;
}

/** What follows an origin or base path, as a path; undefined when the prefix is only the start of a name. */
function afterPrefix(value: string, prefix: string): string | undefined {
  if (!value.startsWith(prefix)) return undefined;
  const rest = value.slice(prefix.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') || rest.startsWith('#') ? `/${rest}` : undefined;
}

/** `//x` would be read as another host: the dot segment keeps it a path and means the same (RFC 3986 6.2.2.3). */
function unmistakable(path: string): string {
  return path.startsWith('//') ? `/.${path}` : path;
}

function mapLocation(headers: HeaderList, change: (value: string) => string): HeaderList {
  for (let i = 0; i < headers.length; i += 2) {
    if (!isHeaderName(headers[i] ?? '', 'location')) continue;
    const changed = [...headers];
    for (let at = i; at < changed.length; at += 2) {
      if (isHeaderName(changed[at] ?? '', 'location'))
        changed[at + 1] = change(changed[at + 1] ?? '');
    }
    return changed;
  }
  return headers;
}
