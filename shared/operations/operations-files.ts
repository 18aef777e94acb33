/**
 * The files of the port for metrics and health: its certificate and key, and the CAs of scrapers. Read at
 * the start and again when they have changed, by both composition roots.
 */
import { readCaCertificate } from '../certificates/ca-certificate.js';
import { readPemPair } from '../certificates/pem-pair.js';
import type { PemPair } from '../certificates/pem-pair.js';
import { certificateInvalid } from '../certificates/pem-text.js';
import { validityOf } from '../certificates/validity.js';
import type { Clock } from '../clock.js';
import { SCRAPER_CA_SENTENCE } from '../config/process-options.js';
import type { OperationsOptions } from '../config/process-options.js';
import { TunnelError } from '../errors.js';
import type { Log } from '../log.js';
import type { Metrics } from './metrics.js';

/** What files of this port are read with. */
export interface OperationsFilesDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What the files hold. */
interface Contents {
  readonly pair: PemPair | undefined;
  readonly scraperCaPem: string | undefined;
}

/** EKUs that servers need one of, serverAuth or any: a scraper refuses a certificate for other uses only. */
const SERVER_USES: readonly string[] = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/** The files as they are in force. */
export class OperationsFiles {
  readonly #options: OperationsOptions;
  readonly #deps: OperationsFilesDeps;
  #contents: Contents;

  /** Reads the files. Throws CERTIFICATE_INVALID that names the one at fault. */
  constructor(options: OperationsOptions, deps: OperationsFilesDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#contents = readContents(options, deps.clock.now());
    this.#measure();
  }

  /** Certificate and key of the port; undefined: it has none of its own. */
  get pair(): { readonly cert: string; readonly key: string } | undefined {
    const { pair } = this.#contents;
    return pair && { cert: pair.certPem, key: pair.keyPem };
  }

  /** PEM of the CAs of scrapers; undefined when no certificate is asked for. */
  get scraperCaPem(): string | undefined {
    return this.#contents.scraperCaPem;
  }

  /**
   * Reads the files again; true when something has changed. Never throws: whatever is wrong with them is
   * logged and must not hold up a reload of the rest; what was in force stays.
   */
  refresh(): boolean {
    const { clock, log } = this.#deps;
    try {
      const fresh = readContents(this.#options, clock.now());
      if (isSame(fresh, this.#contents)) return false;
      this.#contents = fresh;
    } catch (err) {
      log.error({ err }, 'files of the port for metrics and health refused; the old ones stay');
      return false;
    }
    this.#measure();
    log.info('files of the port for metrics and health reloaded');
    return true;
  }

  #measure(): void {
    const { pair } = this.#contents;
    if (pair === undefined) return;
    const { notAfter } = validityOf(pair.certificate);
    this.#deps.metrics.certificateExpires('operations', notAfter);
  }
}

/** The paths that `refresh` looks at, for a file watch. */
export function operationsPaths(options: OperationsOptions): string[] {
  const { prometheusTLS, prometheusCertFile, prometheusKeyFile, prometheusClientCAFile } = options;
  if (prometheusTLS === 'off') return [];
  const paths = [prometheusCertFile, prometheusKeyFile, prometheusClientCAFile];
  return paths.filter((path) => path !== undefined);
}

function readContents(options: OperationsOptions, nowMs: number): Contents {
  return { pair: readOperationsPair(options, nowMs), scraperCaPem: readScraperCa(options, nowMs) };
}

/** The pair of the port's own, if it needs and has one. Throws CERTIFICATE_INVALID. */
export function readOperationsPair(options: OperationsOptions, nowMs: number): PemPair | undefined {
  if (options.prometheusTLS === 'off') return undefined;
  const { prometheusCertFile: certFile, prometheusKeyFile: keyFile } = options;
  if (certFile === undefined || keyFile === undefined) return undefined; // refused where both are needed
  const pair = readPemPair({ certFile, keyFile }, nowMs);
  // Node calls the extended key usage by the name of another extension
  const uses: readonly string[] | undefined = pair.certificate.keyUsage;
  if (uses !== undefined && !uses.some((use) => SERVER_USES.includes(use))) {
    throw certificateInvalid(
      `certificate file ${JSON.stringify(certFile)} is not for servers: its extended key usage lacks serverAuth, so no scraper would accept it`,
    );
  }
  return pair;
}

/** PEM of the CAs of scrapers, if certificates are asked for. Throws CERTIFICATE_INVALID. */
export function readScraperCa(options: OperationsOptions, nowMs: number): string | undefined {
  if (options.prometheusTLS !== 'mutual') return undefined;
  const file = options.prometheusClientCAFile;
  if (file === undefined) {
    throw new TunnelError('CONFIG_INVALID', `prometheusClientCAFile ${SCRAPER_CA_SENTENCE}`);
  }
  return readCaCertificate({ file }, nowMs).caPem;
}

function isSame(one: Contents, other: Contents): boolean {
  return (
    one.pair?.certPem === other.pair?.certPem &&
    one.pair?.keyPem === other.pair?.keyPem &&
    one.scraperCaPem === other.scraperCaPem
  );
}
