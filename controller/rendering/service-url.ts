/**
 * The URLs under which callers reach the controller: the plain one that v3.5 gave to everybody, and one
 * per route. Two clusters behind one URL poison kubectl's discovery cache, hence the latter.
 */
import { hostPortText } from '../../shared/config/host-port.js';
import type { Route } from '../../shared/ids.js';
import { routeHostName } from './route-host.js';

/** `https://host:port`, with IPv6 addresses in brackets; the port always stands, as in v3.5. */
export function httpsUrl(host: string, port: number): string {
  return `https://${hostPortText({ host, port })}`;
}

/**
 * `/agents/<agent>/<type>/<name>`, each segment percent-encoded. Whoever checks it has to compare
 * decoded segments: Go clients decode a server URL and encode it again by rules of their own.
 */
export function routePathPrefix(route: Route): string {
  const segments = [route.agent, route.service.type, route.service.name];
  return `/agents/${segments.map(encodeURIComponent).join('/')}`;
}

/** The server URL of a route that is told from others by its path. */
export function routeUrlByPath(host: string, port: number, route: Route): string {
  return `${httpsUrl(host, port)}${routePathPrefix(route)}`;
}

/** The server URL of a route that is told from others by its host name. */
export function routeUrlByHost(serviceDomain: string, port: number, route: Route): string {
  return httpsUrl(routeHostName(route, serviceDomain), port);
}
