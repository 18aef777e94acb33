/**
 * A request of a caller -> its route -> a live session -> its response. The middle of the controller:
 * caller-auth.ts says who calls, agents/agent-registry.ts who serves, tunnel-exchange.ts carries.
 */
import type { Clock } from '../../shared/clock.js';
import { TunnelError, tunnelErrorFrom } from '../../shared/errors.js';
import type { HeaderList } from '../../shared/http/header-list.js';
import type { Route } from '../../shared/ids.js';
import type { Answerable, CallerExchange } from '../../shared/intake/caller-exchange.js';
import type { ExchangeReport, ReportParts } from '../../shared/intake/exchange-report.js';
import { OpenExchanges } from '../../shared/intake/open-exchanges.js';
import { carryExchange } from '../../shared/intake/tunnel-exchange.js';
import type { ExchangeLimits } from '../../shared/intake/tunnel-exchange.js';
import type { AgentRegistry } from '../agents/agent-registry.js';
import type { CallerAuth } from './caller-auth.js';
import { routeAddress } from './route-address.js';
import type { RouteAddress } from './route-address.js';
import { answeredUserFromTunnel, userIntoTunnel } from './user-header.js';
import type { UserTokens } from './user-header.js';

/** What the proxy works with. */
export interface ServiceProxyParts {
  readonly auth: CallerAuth;
  readonly agents: AgentRegistry;
  readonly userTokens: UserTokens;
  readonly report: ReportParts;
  readonly clock: Clock;
  readonly serviceDomain: string | undefined;
  /** Names of the controller itself, lower case. */
  readonly ownHosts: ReadonlySet<string>;
  readonly limits: ExchangeLimits & { readonly agentWaitMs: number; readonly maxStreams: number };
}

/** Serves exchanges from any listener. */
export class ServiceProxy {
  readonly #parts: ServiceProxyParts;
  readonly #open: OpenExchanges;
  readonly #mapRequest: (headers: HeaderList) => HeaderList;
  readonly #mapResponse: (headers: HeaderList) => HeaderList;

  constructor(parts: ServiceProxyParts) {
    this.#parts = parts;
    this.#open = new OpenExchanges(parts.report, parts.limits.maxStreams);
    this.#mapRequest = (headers) => userIntoTunnel(headers, parts.userTokens);
    this.#mapResponse = (headers) => answeredUserFromTunnel(headers, parts.userTokens);
  }

  /** A request whose credential tells its route. */
  serve(exchange: CallerExchange): void {
    const report = this.#open.begin(exchange);
    try {
      const route = this.#parts.auth.routeOf(exchange);
      report.routed(route);
      this.#open.admit(report);
      const { serviceDomain, ownHosts } = this.#parts;
      this.#carry(exchange, route, routeAddress(exchange, route, serviceDomain, ownHosts), report);
    } catch (reason) {
      report.refuse(tunnelErrorFrom(reason));
    }
  }

  /** A request of a port whose route is fixed by configuration. */
  serveFixed(exchange: CallerExchange, route: Route): void {
    const report = this.#open.begin(exchange);
    report.routed(route);
    try {
      this.#open.admit(report);
      this.#carry(exchange, route, { target: exchange.target, prefix: '' }, report);
    } catch (reason) {
      report.refuse(tunnelErrorFrom(reason));
    }
  }

  /** What breaks the rules of the listener. */
  refuse(exchange: Answerable, error: TunnelError): void {
    this.#open.begin(exchange).refuse(error);
  }

  /** Resolves when no exchange is under way. */
  async idle(): Promise<void> {
    await this.#open.idle();
  }

  #carry(
    exchange: CallerExchange,
    route: Route,
    { target, prefix }: RouteAddress,
    report: ExchangeReport,
  ): void {
    const { agents, clock, limits } = this.#parts;
    const start = (): void =>
      carryExchange({
        exchange,
        requestId: report.requestId,
        service: route.service,
        target,
        prefix,
        mapRequest: this.#mapRequest,
        mapResponse: this.#mapResponse,
        chooseSession: (failed) => agents.choose(route, failed).tunnel,
        limits,
        clock,
        onFinished: (facts) => report.finished(facts),
      });
    if (agents.has(route) || !agents.isExpectedBack(route.agent)) return start();
    void this.#whenBack(exchange, route, report, start);
  }

  /** The agent left a moment ago: waits for it, up to limits.agentWaitMs, while the caller does. */
  async #whenBack(
    exchange: CallerExchange,
    route: Route,
    report: ExchangeReport,
    start: () => void,
  ): Promise<void> {
    const { agents, clock, limits } = this.#parts;
    let isCallerHere = true;
    exchange.onClose = () => {
      isCallerHere = false;
      const error = new TunnelError('CALLER_LEFT', 'the caller left while its agent was awaited');
      report.finished({
        status: undefined,
        requestBytes: 0,
        responseBytes: 0,
        headMs: undefined,
        ending: error.code,
        error,
      });
    };
    const until = clock.monotonicMs() + limits.agentWaitMs;
    while (isCallerHere && !agents.has(route)) {
      const leftMs = until - clock.monotonicMs();
      if (leftMs <= 0) break;
      await agents.change(route.agent, leftMs);
    }
    if (isCallerHere) start();
  }
}
