/**
 * Why a controller could not be reached, in words for whoever reads the log or the readiness of an agent.
 * grpc-js gives the reason as text only, several layers deep, hence the looking at words.
 */
import { hostPortText } from '../../shared/config/host-port.js';
import type { HostPort } from '../../shared/config/host-port.js';
import { TunnelError, errorText } from '../../shared/errors.js';

/** Words of Node, OpenSSL and grpc-js, and what they come to. `$1` is what the first group caught. */
const KNOWN: readonly (readonly [words: RegExp, meaning: string])[] = [
  [
    /self-signed certificate|unable to (?:verify|get)|certificate signature failure/i,
    'its certificate was not issued by the CA of this agent; caCertFile must hold the CA of that controller',
  ],
  [
    /altnames: Host: (.+?)\.? is not in the cert's altnames: (.+?)(?:\. Resolution|$)/s,
    'its certificate is not for $1 but for $2; dial one of these, set controllerServerName, or add the name to serverNames of the controller',
  ],
  [/certificate has expired/i, 'its certificate has expired; compare the clocks'],
  [/certificate is not yet valid/i, 'its certificate is not valid yet; compare the clocks'],
  [
    /ECONNREFUSED/,
    'connection refused; is the controller running, and is this its port for agents?',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|Name resolution failed/,
    'its name does not resolve; check spelling and DNS',
  ],
  [
    // grpc-js drops what the proxy said
    /Last error: undefined/,
    'the proxy did not let the connection through; check HTTPS_PROXY and its password, or name the controller in NO_PROXY',
  ],
  [/EHOSTUNREACH|ENETUNREACH/, 'there is no route to it'],
  [/ETIMEDOUT|DEADLINE_EXCEEDED/, 'no answer in time; a firewall may be dropping the packets'],
  [
    /wrong version number|packet length too long|EPROTO/i,
    'it does not speak TLS there; check the port (9001 by default)',
  ],
];

/** The error of an attempt that brought no session; what the controller itself said stays as it is. */
export function dialFault(error: TunnelError, address: HostPort): TunnelError {
  if (error.code !== 'AGENT_LOST' || error.cause === undefined) return error;
  const text = errorText(error.cause);
  for (const [words, meaning] of KNOWN) {
    const match = words.exec(text);
    if (match === null) continue;
    const told = meaning.replace(/\$(\d)/g, (_, group: string) => match[Number(group)] ?? '');
    return new TunnelError(
      'AGENT_LOST',
      `cannot reach the controller at ${hostPortText(address)}: ${told}`,
      { cause: error.cause },
    );
  }
  return error;
}
