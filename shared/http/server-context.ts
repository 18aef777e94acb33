/**
 * Certificate, key and CA of a TLS server, at its start and when they are renewed.
 */
import { constants } from 'node:crypto';
import { DEFAULT_CIPHERS } from 'node:tls';
import type { SecureContext, SecureContextOptions, Server } from 'node:tls';

/** What setAllowPartialTrustChain belongs to; not in Node's types. */
interface NativeContext {
  setAllowPartialTrustChain?(): void;
}

/** TLS 1.3's own first choice in Node is AES-256; its list for TLS 1.2 begins with AES-128 already. */
const PREFERRED_CIPHER = 'TLS_AES_128_GCM_SHA256';
/** What Node (or `--tls-cipher-list`) allows, the preferred one first if it is among them. */
export const SERVER_CIPHERS = DEFAULT_CIPHERS.split(':')
  .sort((one, other) => Number(other === PREFERRED_CIPHER) - Number(one === PREFERRED_CIPHER))
  .join(':');
/** Cipher and session tickets of every TLS server; setServerContext says why. */
export const SERVER_TLS = {
  ciphers: SERVER_CIPHERS,
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/**
 * New handshakes use these. As with Go's servers, a CA file may hold an intermediate certificate without its
 * root: tls.Server copies a fixed list of options, up to Node 22 without `allowPartialTrustChain`, so it is
 * set on the context that was made.
 *
 * AES-128 before AES-256, as Go's servers choose: ten rounds instead of fourteen, and encryption is an eighth of what a body costs.
 *
 * No session tickets: kubectl never resumes a session, agents and Java callers keep their connections, and
 * tickets, which hold the client's certificate, are a quarter of what a handshake costs here. So the
 * certificates of a client are looked at in each handshake, too.
 */
export function setServerContext(server: Server, options: SecureContextOptions): void {
  server.setSecureContext({
    ...options,
    ...SERVER_TLS,
  });
  // private to Node, and there since it has TLS servers; without it such a CA is refused as before
  const { _sharedCreds: made } = server as unknown as { _sharedCreds?: SecureContext };
  const native = made?.context as NativeContext | undefined; // `context` has no type of its own
  native?.setAllowPartialTrustChain?.();
}
