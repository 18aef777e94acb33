/**
 * The agent, put together: services it reaches, the link to the controller, its own listeners and the
 * operations port. main.ts does the rest.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../shared/clock.js';
import { optionsNeedingRestart } from '../shared/config/changed-options.js';
import { isDoneWithin } from '../shared/deadline.js';
import { tunnelErrorFrom } from '../shared/errors.js';
import type { KubernetesEnvironment } from '../shared/forwarding/kubernetes-environment.js';
import { createServiceCatalog } from '../shared/forwarding/service-catalog.js';
import type { ManagedServiceCatalog } from '../shared/forwarding/service-catalog.js';
import { StreamForwarder } from '../shared/forwarding/stream-handler.js';
import { StreamReports } from '../shared/forwarding/stream-report.js';
import { requestLogOf } from '../shared/intake/exchange-report.js';
import type { ReportParts } from '../shared/intake/exchange-report.js';
import type { Log } from '../shared/log.js';
import { HealthChecks } from '../shared/operations/health.js';
import { createMetrics } from '../shared/operations/metrics.js';
import type { Metrics } from '../shared/operations/metrics.js';
import { OperationsFiles } from '../shared/operations/operations-files.js';
import { startOperationsListener } from '../shared/operations/operations-listener.js';
import type { OperationsListener } from '../shared/operations/operations-listener.js';
import { BufferBudget } from '../shared/protocol/buffer-budget.js';
import type { TunnelSession } from '../shared/protocol/tunnel-session.js';
import type { ServiceAdvertisement } from '../shared/service-advertisement.js';
import { newSessionId } from '../shared/ids.js';
import type { AgentName, SessionId } from '../shared/ids.js';
import { VERSION } from '../shared/version.js';
import { AgentPorts } from './agent-ports.js';
import type { AgentConfig, ServicesConfig } from './config.js';
import { connectOnce } from './controller-link/connect-once.js';
import type { FailedSession, ServingSession } from './controller-link/connect-once.js';
import { ControllerLink } from './controller-link/stay-connected.js';
import { readLinkIdentity } from './link-identity.js';
import type { AgentIdentity } from './link-identity.js';
import type { HostPort } from '../shared/config/host-port.js';

/** What the agent is handed from outside. */
export interface AgentDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: KubernetesEnvironment;
  /** Name of the machine or pod, shown to operators. */
  readonly hostname: string;
}

/** A running agent. */
export interface Agent {
  readonly operationsPort: number;
  /** Bytes of streams that wait here, in both directions. */
  readonly queuedBytes: number;
  /** Finishes what is under way, for limits.drainGraceMs at most, and then stops. */
  drain(): Promise<void>;
  /** Stops at once. */
  stop(): Promise<void>;
  /**
   * Takes other services and the files of the operations port, dropping no session; warns of options that
   * need a restart.
   */
  reload(config: AgentConfig, services: ServicesConfig): Promise<void>;
}

/** Options that take effect without a restart; logLevel is set by main.ts. */
const LIVE_OPTIONS: ReadonlySet<string> = new Set(['logLevel', 'outgoingServices']);

/** Starts everything, or nothing. Rejects with the TunnelError of what is wrong. */
export async function startAgent(
  config: AgentConfig,
  services: ServicesConfig,
  deps: AgentDeps,
): Promise<Agent> {
  // the first look at the files is here, so that a wrong one is a start-up error and not a retry
  const identity = readLinkIdentity(config, deps.clock.now());
  const agent = new RunningAgent(config, services, deps, identity);
  try {
    await agent.open();
    return agent;
  } catch (reason) {
    await agent.stop();
    throw reason;
  }
}

class RunningAgent implements Agent {
  readonly #config: AgentConfig;
  #services: ServicesConfig;
  readonly #deps: AgentDeps;
  readonly #identity: AgentIdentity;
  readonly #metrics: Metrics = createMetrics({ version: VERSION, side: 'agent' });
  readonly #health = new HealthChecks();
  readonly #catalog: ManagedServiceCatalog;
  readonly #report: ReportParts;
  readonly #forwarder: StreamForwarder;
  readonly #link: ControllerLink;
  /** What each session was told last: services may change while it is dialled, after its hello. */
  readonly #told = new WeakMap<TunnelSession, readonly ServiceAdvertisement[]>();
  readonly #budget: BufferBudget;
  readonly #instance = randomBytes(12).toString('base64url');
  #ports: AgentPorts | undefined;
  readonly #operationsFiles: OperationsFiles;
  #operations: OperationsListener | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(
    config: AgentConfig,
    services: ServicesConfig,
    deps: AgentDeps,
    identity: AgentIdentity,
  ) {
    const { clock, log, kubernetes } = deps;
    const { limits } = config;
    this.#config = config;
    this.#services = services;
    this.#deps = deps;
    this.#identity = identity;
    this.#budget = new BufferBudget(limits.processBufferBudgetBytes);
    this.#catalog = createServiceCatalog(services.outgoingServices, {
      clock,
      log,
      kubernetes,
      onAdvertisementChange: () => this.#announceServices(),
    });
    const metrics = this.#metrics;
    this.#report = { requestLog: requestLogOf(config.requestLog, log), metrics, clock, log };
    this.#forwarder = new StreamForwarder({
      catalog: this.#catalog,
      limits,
      clock,
      log,
      reports: new StreamReports({ ...this.#report, agent: identity.name }),
    });
    this.#link = new ControllerLink({
      controllers: config.controllers,
      limits,
      clock,
      log,
      connect: (address, generation, signal) => this.#connect(address, generation, signal),
      onChange: () => this.#announceServices(),
      onReconnect: (reason) => this.#metrics.linkEnded(reason),
    });
    this.#operationsFiles = new OperationsFiles(config, { clock, log, metrics });
    this.#addHealthChecks();
  }

  get operationsPort(): number {
    return this.#operations?.port ?? 0;
  }

  get queuedBytes(): number {
    return this.#link.sessions.reduce((bytes, session) => bytes + session.queuedBytes, 0);
  }

  async open(): Promise<void> {
    const { log } = this.#deps;
    await this.#catalog.start();
    this.#operations = await this.#openOperations();
    this.#ports = await this.#openPorts();
    const { name, notAfter } = this.#identity;
    this.#metrics.certificateExpires('agent', notAfter);
    this.#metrics.queuedBytes(() => this.queuedBytes);
    log.info(
      { agentName: name, version: VERSION, operations: this.operationsPort },
      'agent is ready to connect',
    );
    if (this.#config.insecureControllerAllowed) {
      log.warn(
        'the link to the controller is dialled WITHOUT TLS (insecureControllerAllowed): only for a sidecar or ingress that adds it',
      );
    }
    this.#running = this.#link.run();
  }

  async drain(): Promise<void> {
    const { log, clock } = this.#deps;
    const { drainGraceMs } = this.#config.limits;
    this.#isStopping = true;
    log.info({ drainGraceMs }, 'agent stops: finishing what is under way');
    const finished = Promise.all([this.#ports?.drain(), this.#link.drain('the agent stops')]);
    const inTime = await isDoneWithin(finished, drainGraceMs, clock);
    if (!inTime) log.warn({ drainGraceMs }, 'grace period is over; what is left is broken off');
    await this.stop();
  }

  async stop(): Promise<void> {
    this.#link.close();
    await this.#running;
    await this.#ports?.close();
    await this.#forwarder.close();
    this.#catalog.stop();
    await this.#operations?.close();
    this.#deps.log.info('agent has stopped');
  }

  async reload(config: AgentConfig, services: ServicesConfig): Promise<void> {
    if (this.#operationsFiles.refresh()) this.#operations?.setSecureContext();
    const change = await this.#catalog.replace(services.outgoingServices);
    this.#forwarder.retire(change.retired);
    const before = { ...this.#config, ...this.#services };
    const waiting = optionsNeedingRestart(before, { ...config, ...services }, LIVE_OPTIONS);
    const { incomingServices } = this.#services;
    this.#services = { ...services, incomingServices };
    if (change.hasAdvertisementChanged) this.#announceServices();
    if (waiting.length > 0) {
      this.#deps.log.warn({ options: waiting }, 'changed options need a restart');
    }
  }

  async #connect(
    address: HostPort,
    generation: number,
    signal: AbortSignal,
  ): Promise<ServingSession | FailedSession> {
    const { clock, hostname } = this.#deps;
    const config = this.#config;
    let told: readonly ServiceAdvertisement[] = [];
    try {
      const identity = readLinkIdentity(config, clock.now());
      this.#metrics.certificateExpires('agent', identity.notAfter);
      const session = newSessionId();
      const outcome = await connectOnce(address, {
        identity,
        useTls: !config.insecureControllerAllowed,
        serverName: config.controllerServerName,
        limits: config.limits,
        processBudget: this.#budget,
        clock,
        version: VERSION,
        hostname,
        instance: this.#instance,
        generation,
        signal,
        services: () => (told = this.#catalog.advertisements()),
        annotations: () => this.#services.agentInfo.annotations,
        onHandlerFault: (err) => this.#deps.log.error({ err }, 'internal fault'),
        onStream: (stream, head) => {
          this.#metrics.streamOpened();
          stream.onClosed = () => this.#metrics.streamClosed();
          this.#forwarder.accept(stream, head);
        },
        onRtt: (rttMs) => this.#metrics.observeRtt(identity.name, session, rttMs),
      });
      if ('tunnel' in outcome) {
        this.#told.set(outcome.tunnel, told);
        this.#countSession(identity.name, session, outcome);
      }
      return outcome;
    } catch (reason) {
      // files that cannot be read now may be right again at the next attempt
      return { end: { error: tunnelErrorFrom(reason), final: false } };
    }
  }

  #countSession(agent: AgentName, session: SessionId, { closed }: ServingSession): void {
    this.#metrics.sessionOpened(agent, session);
    void closed.then(() => this.#metrics.sessionClosed(agent, session)); // never rejects
  }

  async #openPorts(): Promise<AgentPorts> {
    const { clock, log } = this.#deps;
    const { limits, bindAddress } = this.#config;
    return AgentPorts.open({
      incoming: this.#services.incomingServices,
      bindAddress,
      limits,
      report: this.#report,
      clock,
      log,
      session: () => this.#link.current,
    });
  }

  async #openOperations(): Promise<OperationsListener> {
    const { prometheusListenPort: port, bindAddress, prometheusTLS } = this.#config;
    const { clock, log } = this.#deps;
    const files = this.#operationsFiles;
    return startOperationsListener({
      port,
      bindAddress,
      tls:
        prometheusTLS === 'off'
          ? undefined
          : {
              // there is a pair: the schema sees to it
              secureContext: () => files.pair ?? {},
              clientCaPem: () => files.scraperCaPem,
            },
      metrics: this.#metrics,
      health: this.#health,
      clock,
      log,
    });
  }

  #addHealthChecks(): void {
    this.#health.add({
      name: 'accepting',
      check: () => (this.#isStopping ? { ok: false, reason: 'stopping' } : { ok: true }),
    });
    this.#health.add({
      name: 'controller',
      check: () => {
        if (this.#link.current !== undefined) return { ok: true };
        return { ok: false, reason: this.#link.lastError?.message ?? 'not connected yet' };
      },
    });
  }

  #announceServices(): void {
    const services = this.#catalog.advertisements();
    for (const session of this.#link.sessions) {
      if (this.#told.get(session) === services) continue;
      this.#told.set(session, services);
      session.send({ kind: 'services', services });
    }
  }
}
