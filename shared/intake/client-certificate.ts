/**
 * The client certificate of a TLS connection, read once per connection.
 */
import { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import { errorText } from '../errors.js';
import { forgetOldest } from '../forget-oldest.js';
import type { ClientCertificate } from './caller-exchange.js';

// Keyed by the connection, so it lives and dies with it.
const certificates = new WeakMap<Duplex, ClientCertificate | 'none'>();

/** Certificates by the SHA-256 of their DER: kubectl comes with the same one a thousand times an hour. */
const known = new Map<string, X509Certificate>();
/** Certificates that are kept read; the one that was read first goes first. */
const MAX_KNOWN = 1000;

/** The certificate a caller presented, with TLS' verdict on it; undefined for none. */
export function clientCertificateOf(socket: Duplex): ClientCertificate | undefined {
  let client = certificates.get(socket);
  if (client === undefined) {
    client = readCertificate(socket) ?? 'none';
    certificates.set(socket, client);
  }
  return client === 'none' ? undefined : client;
}

function readCertificate(socket: Duplex): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate = certificateOf(socket);
  if (certificate === undefined) return undefined;
  // typed as Error, is the text of OpenSSL's verdict
  const verdict: unknown = socket.authorizationError;
  const text = typeof verdict === 'string' ? verdict : errorText(verdict ?? 'not trusted');
  const refusal = socket.authorized ? undefined : text;
  return { certificate, refusal };
}

/** getPeerX509Certificate reads it anew for each connection, which costs more than all else we do there. */
function certificateOf(socket: TLSSocket): X509Certificate | undefined {
  // typed as always there; an empty object without a certificate, null without a connection
  const { raw, fingerprint256 }: Partial<PeerCertificate> = socket.getPeerCertificate() ?? {};
  if (raw === undefined || fingerprint256 === undefined) return undefined;
  const seen = known.get(fingerprint256);
  if (seen !== undefined) return seen;
  const certificate = new X509Certificate(raw);
  if (!socket.authorized) return certificate; // a stranger's must not drive out one that comes again
  known.set(fingerprint256, certificate);
  forgetOldest(known, MAX_KNOWN);
  return certificate;
}
