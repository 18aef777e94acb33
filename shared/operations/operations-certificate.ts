/**
 * The certificate of the port for metrics and health, where the configuration names one.
 */
import { readPemPair } from '../certificates/pem-pair.js';

/** The options that decide it. */
export interface OperationsCertificateOptions {
  readonly prometheusCertFile?: string | undefined;
  readonly prometheusKeyFile?: string | undefined;
}

/** Reads the pair as it is now; undefined when none is named. Throws CERTIFICATE_INVALID. */
export function readOperationsCertificate(
  { prometheusCertFile: certFile, prometheusKeyFile: keyFile }: OperationsCertificateOptions,
  nowMs: number,
): { cert: string; key: string } | undefined {
  if (certFile === undefined || keyFile === undefined) return undefined;
  const { certPem: cert, keyPem: key } = readPemPair({ certFile, keyFile }, nowMs);
  return { cert, key };
}

/** Its files, to be looked at for changes. */
export function operationsFiles(options: OperationsCertificateOptions): string[] {
  const { prometheusCertFile, prometheusKeyFile } = options;
  return [prometheusCertFile, prometheusKeyFile].filter((file) => file !== undefined);
}
