/**
 * Who may read the metrics when `prometheusTLS` is `mutual`: holders of a certificate of the CAs in
 * `prometheusClientCAFile`. The handshake asks for one and insists on none, since the kubelet's probes have
 * none to show; so each request is judged here. Used by operations-listener.ts.
 */
import type { Duplex } from 'node:stream';
import { whyNotValid } from '../certificates/validity.js';
import { clientCertificateOf } from '../intake/client-certificate.js';

/** Why the client of this connection may not scrape, as a sentence; undefined when it may. */
export function whyNoScraper(socket: Duplex, nowMs: number): string | undefined {
  const client = clientCertificateOf(socket);
  if (client === undefined) return 'no client certificate was presented';
  // Checked for every request: a connection may outlive the certificate it began with.
  const fault = whyNotValid(client.certificate, nowMs);
  if (fault !== undefined) return `the client certificate ${fault}`;
  if (client.refusal === undefined) return undefined;
  return `the client certificate is not trusted (${client.refusal})`;
}
