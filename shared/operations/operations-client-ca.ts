/**
 * Whose clients may scrape when `prometheusTLS` is `mutual`: the CA of `prometheusClientCAFile`, else
 * the process's own.
 */
import { readCaCertificate } from '../certificates/ca-certificate.js';

/** The options that decide it. */
export interface OperationsTlsOptions {
  readonly prometheusTLS: 'off' | 'server' | 'mutual';
  readonly prometheusClientCAFile?: string | undefined;
}

/** PEM of the CA of client certificates, or undefined when none are demanded. Throws CERTIFICATE_INVALID. */
export function operationsClientCa(
  options: OperationsTlsOptions,
  ownCaPem: string,
  nowMs: number,
): string | undefined {
  if (options.prometheusTLS !== 'mutual') return undefined;
  const file = options.prometheusClientCAFile;
  return file === undefined ? ownCaPem : readCaCertificate({ file }, nowMs).caPem;
}
