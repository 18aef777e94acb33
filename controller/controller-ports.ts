/**
 * Opens the four faces of the controller from its configuration: agents, callers, control API,
 * operations. controller.ts says when, and closes them.
 */
import type { SecureContextOptions } from 'node:tls';
import type { StreamForwarder } from '../shared/forwarding/stream-handler.js';
import type { HealthChecks } from '../shared/operations/health.js';
import { startOperationsListener } from '../shared/operations/operations-listener.js';
import type { OperationsListener } from '../shared/operations/operations-listener.js';
import { VERSION } from '../shared/version.js';
import { AgentGate } from './agents/agent-gate.js';
import { CallerPorts } from './callers/caller-ports.js';
import type { ServiceProxy } from './callers/service-proxy.js';
import type { ControllerConfig } from './config.js';
import { createAuditLog } from './control-api/audit-log.js';
import type { ControllerAddresses } from './control-api/control-api-parts.js';
import { ControlApi } from './control-api/control-api.js';
import { startControlListener } from './control-api/control-listener.js';
import type { ControlListener } from './control-api/control-listener.js';
import type { ControllerCore } from './controller-core.js';
import type { ControllerDeps, ControllerPorts } from './controller.js';
import { TokenIssuer } from './tokens/issue-token.js';

/** What the ports are opened with. */
export interface PortParts {
  readonly config: ControllerConfig;
  readonly deps: ControllerDeps;
  readonly core: ControllerCore;
  /** Server certificate and CA as they are now. */
  secureContext(): SecureContextOptions;
}

/** The port for agents. */
export async function openAgentGate(
  { config, deps, core, secureContext }: PortParts,
  forwarder: StreamForwarder,
): Promise<AgentGate> {
  const { authority, catalog, metrics, registry, userTokens } = core;
  const { agentListenPort: port, bindAddress, insecureAgentConnections, limits } = config;
  if (insecureAgentConnections) {
    deps.log.warn(
      'agents connect WITHOUT TLS to this process (insecureAgentConnections): only for an ingress in front that ends TLS; agents prove their identity in-band',
    );
  }
  return AgentGate.open({
    port,
    bindAddress,
    tls: insecureAgentConnections ? undefined : secureContext(),
    authorities: () => authority.trusted,
    registry,
    forwarder,
    userTokens,
    services: () => catalog.advertisements(),
    limits,
    clock: deps.clock,
    log: deps.log,
    metrics,
    version: VERSION,
  });
}

/** The service port and the extra ports. */
export async function openCallerPorts(
  { config, deps, secureContext }: PortParts,
  proxy: ServiceProxy,
): Promise<CallerPorts> {
  return CallerPorts.open({
    servicePort: config.serviceListenPort,
    bindAddress: config.bindAddress,
    incoming: config.services.incomingServices,
    tls: secureContext(),
    limits: config.limits,
    proxy,
    log: deps.log,
  });
}

/** The control API; `ports` tells those that are open, its own included once it is. */
export async function openControlPort(
  { config, deps, core, secureContext }: PortParts,
  ports: () => ControllerPorts,
): Promise<ControlListener> {
  const { authority, keys, registry } = core;
  const { clock, log } = deps;
  const { currentKeyName } = config.serviceAuth;
  const parts = {
    certificates: authority,
    tokens: new TokenIssuer({ keys, currentKeyName, clock }),
    agents: registry,
    addresses: addressesOf(config, ports),
    agentImage: config.agentImage,
    version: VERSION,
    audit: createAuditLog(log),
    clock,
  };
  return startControlListener({
    port: config.controlListenPort,
    bindAddress: config.bindAddress,
    secureContext,
    api: new ControlApi(parts, log),
    maxBodyBytes: config.limits.maxControlBodyBytes,
    clock,
    log,
  });
}

/** Health and metrics. */
export async function openOperationsPort(
  { config, deps, core, secureContext }: PortParts,
  health: HealthChecks,
): Promise<OperationsListener> {
  const { prometheusListenPort: port, bindAddress, prometheusTLS } = config;
  const { clock, log } = deps;
  const { operationsFiles: files } = core;
  return startOperationsListener({
    port,
    bindAddress,
    tls:
      prometheusTLS === 'off'
        ? undefined
        : {
            secureContext: () => files.pair ?? secureContext(),
            clientCaPem: () => files.scraperCaPem,
          },
    metrics: core.metrics,
    health,
    clock,
    log,
  });
}

/** Where others reach the ports; where 0 was asked for, the port is known once it is open. */
function addressesOf(config: ControllerConfig, ports: () => ControllerPorts): ControllerAddresses {
  const { agentHostname, serviceHostname, controlHostname, serviceDomain } = config;
  return {
    agentHostname,
    serviceHostname,
    controlHostname,
    serviceDomain,
    get agentPort() {
      return config.agentAdvertisePort ?? ports().agents;
    },
    get servicePort() {
      return config.serviceAdvertisePort ?? ports().services;
    },
    get controlPort() {
      return config.controlAdvertisePort ?? ports().control;
    },
  };
}
