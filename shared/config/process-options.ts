/**
 * Options that controller and agent have alike besides limits: logs, and the listener for metrics
 * and health. Used by both config.ts files.
 */
import { z } from 'zod';
import { LOG_FORMATS, LOG_LEVELS } from '../log.js';
import { bindAddress, listenPort, optionalText } from './option-kinds.js';
import { limitsSchema } from './limits.js';
import { OPERATIONS_TLS } from './operations-tls.js';
import type { OperationsTls } from './operations-tls.js';
import { related } from './related.js';

/** Schema fields to spread into the mapping of a process. */
export const processOptions = {
  bindAddress: bindAddress.describe(
    'Address that all listeners of the process use. Not set: all addresses, IPv4 and IPv6.',
  ),
  prometheusListenPort: listenPort
    .default(9102)
    .describe('Port for metrics and health (/metrics, /livez, /readyz).'),
  prometheusTLS: z
    .enum(OPERATIONS_TLS)
    .default('off')
    .describe(
      'TLS on that port: off as in the Go versions, as probes and scrapers expect it; server; or mutual, where /metrics needs a client certificate of prometheusClientCAFile, and the health paths say without one only whether, not why. With server and mutual, probes need scheme: HTTPS.',
    ),
  prometheusCertFile: optionalText.describe(
    'PEM file with the certificate of that port, for servers and with the name that scrapers use, such as cert-manager issues; read again when it changes. The agent needs it unless prometheusTLS is off; the controller otherwise shows its own server certificate.',
  ),
  prometheusKeyFile: optionalText.describe('PEM file with the key of prometheusCertFile.'),
  prometheusClientCAFile: optionalText.describe(
    'PEM file with the CAs of scrapers, for prometheusTLS: mutual; read again when it changes.',
  ),
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
      'One line per finished request at level info, at each end that it passes: off, none; failures, those that ended badly, the others at level debug (default, as a line per request would drown the rest); all, every one.',
    ),
  limits: limitsSchema.describe('What may be used of memory, time and connections.'),
};

/** The options of the port for metrics and health. */
export interface OperationsOptions {
  readonly prometheusTLS: OperationsTls;
  readonly prometheusCertFile?: string | undefined;
  readonly prometheusKeyFile?: string | undefined;
  readonly prometheusClientCAFile?: string | undefined;
}

/** Mutual TLS needs to know whose certificates count. */
export const SCRAPER_CA_SENTENCE = 'is missing, expected a file, as prometheusTLS is mutual';

const AGENT_PAIR_SENTENCE =
  "is missing, expected a file, as prometheusTLS is not off: the agent's own certificate is not one for servers";

/** Checks between these options. The agent has no certificate of its own that a scraper could verify. */
export function operationsChecks(side: 'controller' | 'agent') {
  const needs = (config: OperationsOptions, other: string | undefined): boolean =>
    config.prometheusTLS !== 'off' && (side === 'agent' || other !== undefined);
  const sentence = (other: string): string =>
    side === 'agent' ? AGENT_PAIR_SENTENCE : `is missing, expected a file, as ${other} is there`;
  return [
    related<OperationsOptions>(
      ['prometheusTLS', 'prometheusCertFile'],
      (config) =>
        config.prometheusCertFile !== undefined || !needs(config, config.prometheusKeyFile),
      sentence('prometheusKeyFile'),
    ),
    related<OperationsOptions>(
      ['prometheusTLS', 'prometheusKeyFile'],
      (config) =>
        config.prometheusKeyFile !== undefined || !needs(config, config.prometheusCertFile),
      sentence('prometheusCertFile'),
    ),
    related<OperationsOptions>(
      ['prometheusTLS', 'prometheusClientCAFile'],
      (config) => config.prometheusTLS !== 'mutual' || config.prometheusClientCAFile !== undefined,
      SCRAPER_CA_SENTENCE,
    ),
  ];
}
