/**
 * `host:port` texts, with IPv6 addresses in brackets as in URLs. Used by the configuration and by
 * everything that prints an address or makes a URL of one.
 */
import { isIP, isIPv6 } from 'node:net';

/** A host (IPv6 without brackets) and a TCP port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

// Letters, digits, hyphen, and the underscore that in-cluster names sometimes have.
const DNS_NAME =
  /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;
const MAX_DNS_NAME_LENGTH = 253;
// URLs take such a name for an address: 1.2.3 is 1.2.0.3.
const LAST_LABEL_IS_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$/i;

/** Whether the text is a DNS name or an IP address without port, scheme or brackets. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const isName = text.length <= MAX_DNS_NAME_LENGTH && DNS_NAME.test(text);
  return isName && !LAST_LABEL_IS_NUMBER.test(text);
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
