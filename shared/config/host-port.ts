/**
 * `host:port` texts, with IPv6 addresses in brackets as in URLs. Used by the configuration and by
 * everything that prints an address or makes a URL of one.
 */
import { isIPv6 } from 'node:net';

/** A host (IPv6 without brackets) and a TCP port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/;

/** Whether the text is a DNS name or an IP address without port, scheme or brackets. */
export function isHost(text: string): boolean {
  return (text.length <= 253 && HOST.test(text)) || isIPv6(text);
}

/** Reads `host:port` or `[v6]:port` with a port of 1 to 65535; undefined when it is neither. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim());
  if (match === null) return undefined;
  const [, v6, name, digits] = match;
  const host = v6 ?? name ?? '';
  const port = Number(digits);
  const isHostGood = v6 === undefined ? isHost(host) : isIPv6(v6);
  return isHostGood && port >= 1 && port <= 65535 ? { host, port } : undefined;
}

/** The host as it stands in a URL or Host header: IPv6 in brackets. */
export function urlHost(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** `host:port`, with brackets around IPv6. */
export function hostPortText({ host, port }: HostPort): string {
  return `${urlHost(host)}:${port}`;
}
