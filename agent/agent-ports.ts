/**
 * The agent's own listeners (`incomingServices`): plain HTTP with a fixed destination beside the
 * controller (front50, fiat). The other direction of the tunnel, by the same listener and exchange code.
 */
import type { Clock } from '../shared/clock.js';
import type { IncomingService } from '../shared/config/services-config.js';
import { TunnelError } from '../shared/errors.js';
import { agentName, serviceText } from '../shared/ids.js';
import type { Route, ServiceRef } from '../shared/ids.js';
import type { Answerable, CallerExchange } from '../shared/intake/caller-exchange.js';
import { startCallerListener } from '../shared/intake/caller-listener.js';
import type { CallerLimits, CallerListener } from '../shared/intake/caller-listener.js';
import type { ExchangeReport, ReportParts } from '../shared/intake/exchange-report.js';
import { OpenExchanges } from '../shared/intake/open-exchanges.js';
import { carryExchange } from '../shared/intake/tunnel-exchange.js';
import type { ExchangeLimits } from '../shared/intake/tunnel-exchange.js';
import type { Log } from '../shared/log.js';
import type { TunnelSession } from '../shared/protocol/tunnel-session.js';

/** What the ports work with. */
export interface AgentPortsParts {
  readonly incoming: readonly IncomingService[];
  readonly bindAddress: string | undefined;
  readonly limits: CallerLimits & ExchangeLimits & { readonly maxStreams: number };
  readonly report: ReportParts;
  readonly clock: Clock;
  readonly log: Log;
  /** The session with the controller, if there is one. */
  session(): TunnelSession | undefined;
}

/** The open ports. */
export class AgentPorts {
  readonly #parts: AgentPortsParts;
  readonly #listeners: CallerListener[] = [];
  readonly #open: OpenExchanges;

  /** Opens them all, or none. Rejects with PORT_UNAVAILABLE. */
  static async open(parts: AgentPortsParts): Promise<AgentPorts> {
    const ports = new AgentPorts(parts);
    try {
      for (const incoming of parts.incoming) await ports.#openOne(incoming);
      return ports;
    } catch (reason) {
      await ports.close();
      throw reason;
    }
  }

  private constructor(parts: AgentPortsParts) {
    this.#parts = parts;
    this.#open = new OpenExchanges(parts.report, parts.limits.maxStreams);
  }

  /** Finishes what is under way. */
  async drain(): Promise<void> {
    for (const listener of this.#listeners) listener.drain();
    await this.#open.idle();
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #openOne(incoming: IncomingService): Promise<void> {
    const { bindAddress, limits, log } = this.#parts;
    const service = { type: incoming.serviceType, name: incoming.destinationService };
    const listener = await startCallerListener({
      port: incoming.port,
      bindAddress: incoming.bindAddress ?? bindAddress,
      what: `incoming service "${incoming.name}"`,
      option: 'incomingServices[].port',
      tls: undefined,
      limits,
      log,
      onExchange: (exchange) => this.#serve(exchange, service),
      onFault: (exchange, error) => this.#begin(exchange, service).refuse(error),
    });
    this.#listeners.push(listener);
    log.warn(
      { name: incoming.name, ...listener.address, service: serviceText(service) },
      'incoming service listens WITHOUT TLS OR AUTHENTICATION: whoever reaches this port reaches its destination (set bindAddress to limit it)',
    );
  }

  #serve(exchange: CallerExchange, service: ServiceRef): void {
    const report = this.#begin(exchange, service);
    const { clock, limits } = this.#parts;
    carryExchange({
      exchange,
      requestId: report.requestId,
      service,
      target: exchange.target,
      prefix: '',
      chooseSession: (failed) => {
        this.#open.admit(report);
        return this.#sessionFor(service, failed);
      },
      limits,
      clock,
      onFinished: (facts) => report.finished(facts),
    });
  }

  #sessionFor(service: ServiceRef, failed: ReadonlySet<TunnelSession>): TunnelSession {
    const session = this.#parts.session();
    if (session === undefined || failed.has(session)) {
      throw new TunnelError(
        'AGENT_NOT_CONNECTED',
        'this agent has no session with the controller',
        {
          retryAfterSeconds: 1,
        },
      );
    }
    const isOffered = session.peerServices.some(
      (offered) => offered.type === service.type && offered.name === service.name,
    );
    if (isOffered) return session;
    const text = `the controller does not offer ${serviceText(service)} (services.outgoingServices there)`;
    throw new TunnelError('SERVICE_NOT_OFFERED', text);
  }

  #begin(exchange: Answerable, service: ServiceRef): ExchangeReport {
    const report = this.#open.begin(exchange);
    report.routed(routeToController(service));
    return report;
  }
}

/** For logs and metrics: seen from an agent, the controller is the one that serves. */
function routeToController(service: ServiceRef): Route {
  return { agent: agentName('controller'), service };
}
