/**
 * Who may read the metrics when `prometheusTLS` is `mutual`: holders of a certificate of the CAs in
 * `prometheusClientCAFile`. The handshake asks for one and insists on none, since the kubelet's probes have
 * none to show; so each request is judged here. Used by operations-listener.ts and the composition roots.
 */
import type { Duplex } from 'node:stream';
import { readCaCertificate } from '../certificates/ca-certificate.js';
import { whyNotValid } from '../certificates/validity.js';
import { SCRAPER_CA_SENTENCE } from '../config/process-options.js';
import { TunnelError } from '../errors.js';
import { clientCertificateOf } from '../intake/client-certificate.js';

/** The options that decide it. */
export interface ScraperOptions {
  readonly prometheusTLS: 'off' | 'server' | 'mutual';
  /** Always there with `mutual`; the schemas see to it. */
  readonly prometheusClientCAFile?: string | undefined;
}

/** PEM of the CAs of scrapers, or undefined when no certificate is asked for. Throws CERTIFICATE_INVALID. */
export function readScraperCa(options: ScraperOptions, nowMs: number): string | undefined {
  if (options.prometheusTLS !== 'mutual') return undefined;
  const file = options.prometheusClientCAFile;
  if (file === undefined) {
    throw new TunnelError('CONFIG_INVALID', `prometheusClientCAFile ${SCRAPER_CA_SENTENCE}`);
  }
  return readCaCertificate({ file }, nowMs).caPem;
}

/** Why the client of this connection may not scrape, as a sentence; undefined when it may. */
export function whyNoScraper(socket: Duplex, nowMs: number): string | undefined {
  const client = clientCertificateOf(socket);
  // Without a certificate Node may still call a resumed TLS 1.3 connection authorized, so this comes first.
  if (client === undefined) return 'no client certificate was presented';
  // Checked for every request: a connection may outlive the certificate it began with.
  const fault = whyNotValid(client.certificate, nowMs);
  if (fault !== undefined) return `the client certificate ${fault}`;
  if (client.refusal === undefined) return undefined;
  return `the client certificate is not trusted (${client.refusal})`;
}
