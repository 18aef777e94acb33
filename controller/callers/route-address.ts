/**
 * The address part of a request that names a route: the path prefix `/agents/<agent>/<type>/<name>` or,
 * with `serviceDomain`, a host name of its own. Both must agree with the credential; the prefix is
 * stripped, once, before the request goes on. Neither is needed: v3.5's requests have none. A service whose
 * own paths look like a prefix is reached behind the prefix of its route.
 */
import { TunnelError } from '../../shared/errors.js';
import { headerValue } from '../../shared/http/header-list.js';
import { routeText } from '../../shared/ids.js';
import type { Route } from '../../shared/ids.js';
import type { CallerExchange } from '../../shared/intake/caller-exchange.js';
import { routeHostName } from '../rendering/route-host.js';
import { routePathPrefix } from '../rendering/service-url.js';

/** The target for the service, and what was cut off before it. */
export interface RouteAddress {
  readonly target: string;
  readonly prefix: string;
}

const PREFIX = /^\/agents\/([^/?]+)\/([^/?]+)\/([^/?]+)(?=$|[/?])/;

/** Checks and strips the prefix. `ownHosts` are of no route, also below the domain. Throws ROUTE_MISMATCH. */
export function routeAddress(
  exchange: CallerExchange,
  route: Route,
  serviceDomain: string | undefined,
  ownHosts: ReadonlySet<string>,
): RouteAddress {
  if (serviceDomain !== undefined) checkHost(exchange, route, serviceDomain, ownHosts);
  const { target } = exchange;
  const match = PREFIX.exec(target);
  if (match === null) return { target, prefix: '' };
  const [prefix, ...segments] = match;
  const named = segments.map(decoded);
  const { agent, service } = route;
  if (named[0] !== agent || named[1] !== service.type || named[2] !== service.name) {
    throw new TunnelError(
      'ROUTE_MISMATCH',
      `the path is that of ${named.join('/')}, the credential stands for ${routeText(route)}; if the service itself has such a path, send it behind ${routePathPrefix(route)}`,
    );
  }
  const rest = target.slice(prefix.length);
  return { target: rest.startsWith('/') ? rest : `/${rest}`, prefix };
}

/** A host below the service domain must be the one of the route. */
function checkHost(
  exchange: CallerExchange,
  route: Route,
  serviceDomain: string,
  ownHosts: ReadonlySet<string>,
): void {
  const host = hostOf(exchange);
  const isBelow = host.endsWith(`.${serviceDomain.toLowerCase()}`) && !ownHosts.has(host);
  if (!isBelow || host === routeHostName(route, serviceDomain)) return;
  throw new TunnelError(
    'ROUTE_MISMATCH',
    `the host name ${JSON.stringify(host.slice(0, 100))} is that of another route than ${routeText(route)}, which the credential stands for`,
  );
}

/** The host that the caller addressed, without port and the dot that ends an absolute name. */
function hostOf(exchange: CallerExchange): string {
  const host = headerValue(exchange.headers, 'host') ?? '';
  return host.toLowerCase().replace(/\.?(:\d+)?$/, '');
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // not a name that we wrote; it will not match
  }
}
