/**
 * The controller, put together: builds the parts, opens the ports, and closes everything in reverse.
 * Reads nothing but its configuration; main.ts does the rest.
 */
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../shared/clock.js';
import { isDoneWithin } from '../shared/deadline.js';
import type { KubernetesEnvironment } from '../shared/forwarding/kubernetes-environment.js';
import { StreamForwarder } from '../shared/forwarding/stream-handler.js';
import { StreamReports } from '../shared/forwarding/stream-report.js';
import { agentName } from '../shared/ids.js';
import { requestLogOf } from '../shared/intake/exchange-report.js';
import type { Log } from '../shared/log.js';
import { HealthChecks } from '../shared/operations/health.js';
import type { OperationsListener } from '../shared/operations/operations-listener.js';
import { VERSION } from '../shared/version.js';
import type { AgentGate } from './agents/agent-gate.js';
import { CallerAuth } from './callers/caller-auth.js';
import type { CallerPorts } from './callers/caller-ports.js';
import { ServiceProxy } from './callers/service-proxy.js';
import { userIntoTunnel } from './callers/user-header.js';
import { computeServerNames, neededKeys } from './config.js';
import type { ControllerConfig } from './config.js';
import { optionsNeedingRestart } from '../shared/config/changed-options.js';
import type { ServerCertificate } from './certificates/server-certificate.js';
import { buildCore, startServerCertificate } from './controller-core.js';
import type { ControllerCore, CoreEvents } from './controller-core.js';
import type { ControlListener } from './control-api/control-listener.js';
import {
  openAgentGate,
  openCallerPorts,
  openControlPort,
  openOperationsPort,
} from './controller-ports.js';
import type { PortParts } from './controller-ports.js';
import { TokenVerifier } from './tokens/verify-token.js';

/** What the controller is handed from outside. */
export interface ControllerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: KubernetesEnvironment;
}

/** Ports that were opened; where 0 was asked for, these are the free ones that were taken. */
export interface ControllerPorts {
  readonly agents: number;
  readonly services: number;
  readonly control: number;
  readonly operations: number;
}

/** A running controller. */
export interface Controller {
  readonly ports: ControllerPorts;
  /** Bytes of streams that wait here, in both directions. */
  readonly queuedBytes: number;
  /** Finishes what is under way, for limits.drainGraceMs at most, and then stops. */
  drain(): Promise<void>;
  /** Stops at once. */
  stop(): Promise<void>;
  /**
   * Takes services, CA and keys as they are now, dropping no session; warns of options that need a
   * restart. Rejects when something is wrong, and then nothing has changed.
   */
  reload(config: ControllerConfig): Promise<void>;
}

/** How long the last answers may take to leave. */
const LAST_WORDS_MS = 1000;

/** Options that take effect without a restart; logLevel is set by main.ts. */
const LIVE_OPTIONS: ReadonlySet<string> = new Set(['outgoingServices', 'logLevel']);

/** Starts everything, or nothing. Rejects with the TunnelError of what is wrong. */
export async function startController(
  config: ControllerConfig,
  deps: ControllerDeps,
): Promise<Controller> {
  const controller = await RunningController.build(config, deps);
  try {
    await controller.open();
    return controller;
  } catch (reason) {
    await controller.stop();
    throw reason;
  }
}

class RunningController implements Controller {
  readonly #config: ControllerConfig;
  readonly #deps: ControllerDeps;
  readonly #events: CoreEvents;
  readonly #core: ControllerCore;
  #serverCertificate: ServerCertificate;
  readonly #proxy: ServiceProxy;
  readonly #forwarder: StreamForwarder;
  readonly #health = new HealthChecks();
  #gate: AgentGate | undefined;
  #callers: CallerPorts | undefined;
  #control: ControlListener | undefined;
  #operations: OperationsListener | undefined;
  #isStopping = false;

  static async build(config: ControllerConfig, deps: ControllerDeps): Promise<RunningController> {
    const events: CoreEvents = {
      // neither happens before the ports are open
      onCertificateRenewed: () => controller.renewed(),
      onServicesChanged: () => controller.servicesChanged(),
    };
    const core = await buildCore(config, deps, events);
    const controller = new RunningController(config, deps, core, events);
    return controller;
  }

  private constructor(
    config: ControllerConfig,
    deps: ControllerDeps,
    core: ControllerCore,
    events: CoreEvents,
  ) {
    this.#events = events;
    const { clock, log } = deps;
    const { catalog, keys, metrics, registry, userTokens } = core;
    const { limits } = config;
    this.#config = config;
    this.#deps = deps;
    this.#core = core;
    this.#serverCertificate = core.serverCertificate;
    const requestLog = requestLogOf(config.requestLog, log);
    this.#forwarder = new StreamForwarder({
      catalog,
      limits,
      clock,
      log,
      // requests of agents, which callers of this controller have no part in; agents name the route alike
      reports: new StreamReports({ requestLog, metrics, clock, agent: agentName('controller') }),
      mapResponse: (headers) => userIntoTunnel(headers, userTokens),
    });
    this.#proxy = new ServiceProxy({
      auth: new CallerAuth(new TokenVerifier({ keys, clock })),
      agents: registry,
      userTokens,
      report: { requestLog, metrics, clock, log },
      clock,
      serviceDomain: config.serviceDomain,
      ownHosts: new Set(computeServerNames(config).map((name) => name.toLowerCase())),
      limits,
    });
    this.#health.add({
      name: 'accepting',
      check: () => (this.#isStopping ? { ok: false, reason: 'stopping' } : { ok: true }),
    });
    this.#health.add({ name: 'server-certificate', check: () => this.#certificateCheck() });
    metrics.queuedBytes(() => registry.queuedBytes);
  }

  get queuedBytes(): number {
    return this.#core.registry.queuedBytes;
  }

  get ports(): ControllerPorts {
    return {
      agents: this.#gate?.address?.port ?? 0,
      services: this.#callers?.address?.port ?? 0,
      control: this.#control?.port ?? 0,
      operations: this.#operations?.port ?? 0,
    };
  }

  async open(): Promise<void> {
    await this.#core.catalog.start();
    const parts: PortParts = {
      config: this.#config,
      deps: this.#deps,
      core: this.#core,
      secureContext: () => this.#secureContext(),
    };
    this.#operations = await openOperationsPort(parts, this.#health);
    this.#gate = await openAgentGate(parts, this.#forwarder);
    this.#callers = await openCallerPorts(parts, this.#proxy);
    this.#control = await openControlPort(parts, () => this.ports);
    this.#deps.log.info({ ...this.ports, version: VERSION }, 'controller is ready');
  }

  async drain(): Promise<void> {
    const { log, clock } = this.#deps;
    const { drainGraceMs } = this.#config.limits;
    log.info({ drainGraceMs }, 'controller stops: finishing what is under way');
    this.#isStopping = true;
    this.#callers?.drain();
    const finished = Promise.all([
      this.#proxy.idle(),
      this.#gate?.drain('the controller stops'),
      this.#control?.close(drainGraceMs),
    ]);
    const inTime = await isDoneWithin(finished, drainGraceMs, clock);
    if (!inTime) log.warn({ drainGraceMs }, 'grace period is over; what is left is broken off');
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#serverCertificate.stop();
    await this.#control?.close(0);
    this.#gate?.close();
    // what has just been broken off is still told why
    await isDoneWithin(this.#proxy.idle(), LAST_WORDS_MS, this.#deps.clock);
    await this.#callers?.close();
    await this.#forwarder.close();
    this.#core.catalog.stop();
    await this.#operations?.close();
    this.#deps.log.info('controller has stopped');
  }

  async reload(config: ControllerConfig): Promise<void> {
    const { authority, keys, catalog, metrics, operationsFiles } = this.#core;
    const { log } = this.#deps;
    // what may be refused comes before what takes effect
    const nextAuthority = authority.read();
    if (keys.reload(neededKeys(this.#config))) log.info('token keys reloaded');
    if (nextAuthority !== undefined) {
      const fresh = await startServerCertificate(config, nextAuthority, this.#deps, this.#events);
      const before = authority.certificate.publicKey;
      authority.replace(nextAuthority);
      if (!authority.certificate.publicKey.equals(before)) {
        log.warn(
          { issuer: authority.certificate.subject },
          'another CA issues from now on: whoever was not given its certificate before cannot connect any more (SECURITY.md)',
        );
      }
      this.#serverCertificate.stop();
      this.#serverCertificate = fresh;
      metrics.certificateExpires('ca', Date.parse(authority.certificate.validTo));
      this.renewed();
    }
    if (operationsFiles.refresh()) this.#operations?.setSecureContext();
    const change = await catalog.replace(config.services.outgoingServices);
    this.#forwarder.retire(change.retired);
    if (change.hasAdvertisementChanged) this.servicesChanged();
    const waiting = optionsNeedingRestart(flat(this.#config), flat(config), LIVE_OPTIONS);
    if (waiting.length > 0) log.warn({ options: waiting }, 'changed options need a restart');
  }

  /** A new server certificate: new handshakes use it, nothing is dropped. */
  renewed(): void {
    const tls = this.#secureContext();
    this.#gate?.setSecureContext(tls);
    this.#callers?.setSecureContext(tls);
    this.#control?.setSecureContext();
    this.#operations?.setSecureContext();
    const { notAfter } = this.#serverCertificate.current;
    this.#core.metrics.certificateExpires('server', notAfter);
    this.#deps.log.info({ notAfter: new Date(notAfter) }, 'server certificate renewed');
  }

  /** What agents may reach through us is different now. */
  servicesChanged(): void {
    this.#gate?.announceServices();
  }

  #secureContext(): SecureContextOptions {
    const { authority } = this.#core;
    const { certPem, keyPem } = this.#serverCertificate.current;
    return {
      cert: certPem,
      key: keyPem,
      ca: authority.caPem,
    };
  }

  #certificateCheck(): { ok: true } | { ok: false; reason: string } {
    const { notAfter } = this.#serverCertificate.current;
    if (this.#deps.clock.now() < notAfter) return { ok: true };
    return {
      ok: false,
      reason: `the server certificate expired at ${new Date(notAfter).toISOString()}`,
    };
  }
}

/** The options with those of `services` beside the others. */
function flat({ services, ...others }: ControllerConfig): Record<string, unknown> {
  return { ...others, ...services };
}
