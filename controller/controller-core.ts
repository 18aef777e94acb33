/**
 * The parts of the controller that need no port: CA, server certificate, keys, metrics, registry and the
 * services beside it. Built first, so that a fault in them is told before anything listens.
 */
import { createServiceCatalog } from '../shared/forwarding/service-catalog.js';
import type { ManagedServiceCatalog } from '../shared/forwarding/service-catalog.js';
import { createMetrics } from '../shared/operations/metrics.js';
import type { Metrics } from '../shared/operations/metrics.js';
import { OperationsFiles } from '../shared/operations/operations-files.js';
import { VERSION } from '../shared/version.js';
import { AgentRegistry } from './agents/agent-registry.js';
import { CurrentAuthority } from './certificates/current-authority.js';
import { ServerCertificate } from './certificates/server-certificate.js';
import type { ServerCertificateOptions } from './certificates/server-certificate.js';
import { computeServerNames } from './config.js';
import type { ControllerConfig } from './config.js';
import type { ControllerDeps } from './controller.js';
import { KeyDirectory } from './tokens/key-set.js';
import { UserHeaderTokens } from './tokens/user-header-token.js';

/** What every port works with. */
export interface ControllerCore {
  readonly authority: CurrentAuthority;
  readonly serverCertificate: ServerCertificate;
  readonly keys: KeyDirectory;
  readonly userTokens: UserHeaderTokens;
  readonly metrics: Metrics;
  readonly operationsFiles: OperationsFiles;
  readonly registry: AgentRegistry;
  readonly catalog: ManagedServiceCatalog;
}

/** Who hears of changes. */
export interface CoreEvents {
  onCertificateRenewed(): void;
  onServicesChanged(): void;
}

/** Builds the core. Throws CERTIFICATE_INVALID or CONFIG_INVALID. */
export async function buildCore(
  config: ControllerConfig,
  { clock, log, kubernetes }: ControllerDeps,
  events: CoreEvents,
): Promise<ControllerCore> {
  const metrics = createMetrics({ version: VERSION, side: 'controller' });
  const { caCertFile, caKeyFile } = config.caConfig;
  const authority = new CurrentAuthority({ certFile: caCertFile, keyFile: caKeyFile }, clock);
  for (const warning of authority.warnings) log.warn(warning);
  const keys = new KeyDirectory(config.serviceAuth.secretsPath);
  const userTokens = new UserHeaderTokens({
    keys,
    signingKeyName: config.serviceAuth.headerMutationKeyName,
    clock,
    validityMs: config.userHeaderValiditySeconds * 1000,
  });
  const operationsFiles = new OperationsFiles(config, { clock, log, metrics });
  const serverCertificate = await startServerCertificate(config, authority, { clock, log }, events);
  metrics.certificateExpires('ca', Date.parse(authority.certificate.validTo));
  metrics.certificateExpires('server', serverCertificate.current.notAfter);
  const catalog = createServiceCatalog(config.services.outgoingServices, {
    clock,
    log,
    kubernetes,
    onAdvertisementChange: () => events.onServicesChanged(),
  });
  return {
    authority,
    serverCertificate,
    keys,
    userTokens,
    metrics,
    operationsFiles,
    registry: new AgentRegistry(clock),
    catalog,
  };
}

/** A server certificate of that CA which renews itself. */
export async function startServerCertificate(
  config: ControllerConfig,
  authority: ServerCertificateOptions['authority'],
  { clock, log }: Pick<ControllerDeps, 'clock' | 'log'>,
  events: CoreEvents,
): Promise<ServerCertificate> {
  return ServerCertificate.start({
    authority,
    names: computeServerNames(config),
    clock,
    onRenewed: () => events.onCertificateRenewed(),
    onTrouble: (reason) => log.error({ err: reason }, 'server certificate could not be renewed'),
  });
}
