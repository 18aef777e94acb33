/**
 * The client certificate of a TLS connection, read once per connection.
 */
import type { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { errorText } from '../errors.js';
import type { ClientCertificate } from './caller-exchange.js';

// Keyed by the connection, so it lives and dies with it.
const certificates = new WeakMap<Duplex, ClientCertificate | 'none'>();

/** The certificate a caller presented, with TLS' verdict on it; undefined for none. */
export function clientCertificateOf(socket: Duplex): ClientCertificate | undefined {
  let known = certificates.get(socket);
  if (known === undefined) {
    known = readCertificate(socket) ?? 'none';
    certificates.set(socket, known);
  }
  return known === 'none' ? undefined : known;
}

function readCertificate(socket: Duplex): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  // typed as Error, is the text of OpenSSL's verdict
  const verdict: unknown = socket.authorizationError;
  const text = typeof verdict === 'string' ? verdict : errorText(verdict ?? 'not trusted');
  const refusal = socket.authorized ? undefined : text;
  return { certificate, refusal };
}
