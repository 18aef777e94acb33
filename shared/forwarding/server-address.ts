/**
 * Where a server is, read from the URL in a configuration or kubeconfig. The path is kept byte for byte;
 * what a base URL cannot have (user, query, fragment) is refused.
 */
import { isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { isHost, urlHost } from '../config/host-port.js';
import type { TargetEndpoint, TargetTls } from './target.js';
import { targetFault } from './target-file.js';

/** A TargetEndpoint without its TLS settings. */
export interface ServerAddress extends Omit<TargetEndpoint, 'tls'> {
  readonly isTls: boolean;
}

const URL_PARTS = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/;
const HOST_PARTS = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d+))?$/;

/** Reads a base URL. Throws SERVICE_NOT_CONFIGURED without repeating it; `name` says which one. */
export function parseServerUrl(url: string, name: string): ServerAddress {
  const parts = URL_PARTS.exec(url.trim());
  if (parts === null)
    throw targetFault(`${name} is not a URL; expected https://host or http://host`);
  const [, scheme = '', authority = '', path = '', query, fragment] = parts;
  const isTls = scheme.toLowerCase() === 'https';
  if (!isTls && scheme.toLowerCase() !== 'http') {
    throw targetFault(`${name} begins with ${scheme}://; expected https:// or http://`);
  }
  if (authority.includes('@')) {
    throw targetFault(`${name} holds a user name or password; give it under credentials instead`);
  }
  if (query !== undefined || fragment !== undefined) {
    throw targetFault(`${name} holds a query (?) or fragment (#); a base URL has neither`);
  }
  if (!/^[\x21-\x7e]*$/.test(path)) {
    throw targetFault(`${name} has a path with characters that must be percent-encoded`);
  }
  const { host, port } = parseAuthority(authority, isTls ? 443 : 80, name);
  const isDefaultPort = port === (isTls ? 443 : 80);
  return {
    isTls,
    host,
    port,
    authority: isDefaultPort ? urlHost(host) : `${urlHost(host)}:${port}`,
    basePath: path.replace(/\/+$/, ''),
  };
}

/** The endpoint at an address: with TLS exactly if the address says so. */
export function endpointAt(address: ServerAddress, tls: TargetTls): TargetEndpoint {
  const { isTls, ...rest } = address;
  return { ...rest, tls: isTls ? tls : undefined };
}

function parseAuthority(authority: string, defaultPort: number, name: string) {
  const [, v6, written, digits] = HOST_PARTS.exec(authority) ?? [];
  const host = v6 ?? domainToASCII(written ?? '');
  // the last for what is no address to a URL, such as 1.2.3.256 or one with a zone (fe80::1%eth0)
  const isGood = v6 === undefined ? isHost(host) : isIPv6(v6);
  if (!isGood || !URL.canParse(`http://${urlHost(host)}`)) {
    throw targetFault(`${name} has no valid host; expected a DNS name or IP address (IPv6 in [ ])`);
  }
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port < 1 || port > 65535)
    throw targetFault(`${name} has port ${digits}; expected 1 to 65535`);
  return { host, port };
}
