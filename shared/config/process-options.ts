/**
 * Options that controller and agent have alike besides limits: logs, and the listener for metrics
 * and health. Used by both config.ts files.
 */
import { z } from 'zod';
import { LOG_FORMATS, LOG_LEVELS } from '../log.js';
import { bindAddress, listenPort, optionalText } from './option-kinds.js';
import { limitsSchema } from './limits.js';

/** Schema fields to spread into the mapping of a process. */
export const processOptions = {
  bindAddress: bindAddress.describe(
    'Address that all listeners of the process use. Not set: all addresses, IPv4 and IPv6.',
  ),
  prometheusListenPort: listenPort
    .default(9102)
    .describe('Port for metrics and health (/metrics, /livez, /readyz).'),
  prometheusTLS: z
    .enum(['off', 'server', 'mutual'])
    .default('off')
    .describe(
      'TLS on that port: off as in the Go versions, as probes and scrapers expect it; server; or mutual, where /metrics needs a client certificate of prometheusClientCAFile, and the health paths say without one only whether, not why. With server and mutual, probes need scheme: HTTPS.',
    ),
  prometheusClientCAFile: optionalText.describe(
    'PEM file with the CAs of scrapers, for prometheusTLS: mutual.',
  ),
  prometheusCertFile: optionalText.describe(
    'PEM file with the certificate of that port, with prometheusTLS. An agent needs one, as scrapers do not accept the certificate it shows the controller; a controller without one shows its own. Read again when it changes.',
  ),
  prometheusKeyFile: optionalText.describe('PEM file with its key.'),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('Least important level that is logged.'),
  logFormat: z
    .enum(LOG_FORMATS)
    .default('auto')
    .describe(
      'json for collectors, pretty for people; auto is pretty on a terminal and json elsewhere.',
    ),
  requestLog: z
    .enum(['off', 'failures', 'all'])
    .default('failures')
    .describe(
      'One line per finished request at level info: off, none; failures, those that ended badly, the others at level debug (default, as a line per request would drown the rest); all, every one.',
    ),
  limits: limitsSchema.describe('What may be used of memory, time and connections.'),
};

/** For `related`: a certificate and its key come together. */
export function isOperationsPairWhole(config: {
  prometheusCertFile?: string | undefined;
  prometheusKeyFile?: string | undefined;
}): boolean {
  return (config.prometheusCertFile === undefined) === (config.prometheusKeyFile === undefined);
}

/** Sentence for it. */
export const OPERATIONS_PAIR_SENTENCE =
  'is one of two: set prometheusCertFile and prometheusKeyFile';

/** For `related`: mutual TLS needs to know whose certificates count. */
export function hasScraperCa(config: {
  prometheusTLS: string;
  prometheusClientCAFile?: string | undefined;
}): boolean {
  return config.prometheusTLS !== 'mutual' || config.prometheusClientCAFile !== undefined;
}

/** Sentence for it. */
export const SCRAPER_CA_SENTENCE = 'is missing, expected a file, as prometheusTLS is mutual';
