/**
 * The names a server certificate is for, by kind: DNS names (and wildcards) or IP addresses.
 * v3.5 wrote addresses as DNS names, which no client ever matches.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { isHost } from '../../shared/config/host-port.js';
import { TunnelError } from '../../shared/errors.js';

/** One subject alternative name in node-forge's notation (types of RFC 5280 4.2.1.6). */
export type SubjectAltName =
  { readonly type: 2; readonly value: string } | { readonly type: 7; readonly ip: string };

/**
 * The names as SANs, in order and without repetitions. IPv6 addresses may be in brackets, as in URLs; names in other scripts become
 * their ASCII form. Throws CONFIG_INVALID for what is no host name, or when there is none at all.
 */
export function subjectAltNames(names: readonly string[]): SubjectAltName[] {
  if (names.length === 0) {
    throw new TunnelError('CONFIG_INVALID', 'a server certificate needs at least one host name');
  }
  const unique = new Map(
    names.map(subjectAltName).map((name) => [name.type === 7 ? name.ip : name.value, name]),
  );
  return [...unique.values()];
}

function subjectAltName(name: string): SubjectAltName {
  const bare = /^\[(.*)\]$/.exec(name)?.[1] ?? name;
  // An address with a zone (fe80::1%eth0) means something on one host only.
  if (isIP(bare) !== 0 && !bare.includes('%')) return { type: 7, ip: bare };

  const wildcard = name.startsWith('*.') ? '*.' : '';
  const withoutRootDot = name.slice(wildcard.length).replace(/\.$/, '');
  const ascii = domainToASCII(withoutRootDot).toLowerCase();
  // domainToASCII reads "1" or "0x7f.1" as an address, which the certificate would then not be for.
  if (!isHost(ascii) || ascii.endsWith('.') || isIP(ascii) !== 0) {
    throw new TunnelError(
      'CONFIG_INVALID',
      `${JSON.stringify(name)} is not a host name or IP address; expected a name without scheme, port or path`,
    );
  }
  return { type: 2, value: wildcard + ascii };
}
