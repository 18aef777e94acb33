/**
 * Counts of finished requests by route and status, and their durations by service type. Used by
 * metrics.ts once per request: plain additions there, Prometheus series are made from them at a scrape.
 * The number of series is bounded whatever names callers' credentials hold.
 */
import { Counter, type Registry } from 'prom-client';
import { ERROR_KINDS } from '../errors.js';
import type { Route } from '../ids.js';
import type { RequestEnding, RequestFacts } from '../request-log.js';
import { DurationHistogram, type Durations } from './duration-histogram.js';

/** The facts of a finished request that are counted. */
export type CountedFacts = Pick<
  RequestFacts,
  'route' | 'status' | 'ms' | 'headMs' | 'requestBytes' | 'responseBytes' | 'ending'
>;

/** Routes beyond this many share one series per status, labelled `(other)`. */
export const MAX_ROUTE_SERIES = 1_000;
/** Distinct statuses of one route; a target that makes up more has the rest under `other`. */
const MAX_STATUSES = 24;
const OTHER = '(other)';

interface RouteCounts {
  /** Empty texts (in Prometheus: no label) stand for requests without a route. */
  readonly labels: { readonly agent: string; readonly type: string; readonly service: string };
  readonly durations: Durations;
  readonly headDurations: Durations;
  readonly byStatus: Map<string, number>;
  requests: number;
  requestBytes: number;
  responseBytes: number;
}

/** Counts requests and shows them in `registry`. */
export class RequestCounters {
  readonly #durations = new DurationHistogram(
    'fairlead_request_duration_seconds',
    'From the head of a request to its end, by service type; watches and logs last long.',
  );
  readonly #headDurations = new DurationHistogram(
    'fairlead_response_head_seconds',
    'From the head of a request to the head of its response, by service type.',
  );
  readonly #byRoute = new Map<string, RouteCounts>();
  readonly #byEnding = new Map<RequestEnding, number>();
  readonly #withoutRoute = this.#newCounts('', '', '');
  readonly #otherRoutes = this.#newCounts(OTHER, OTHER, OTHER);

  /** `hasOldNames`: also under the names of the Go versions. */
  constructor(registry: Registry, hasOldNames: boolean) {
    this.#showRequests(registry);
    this.#showBytes(registry);
    this.#showFailures(registry);
    if (hasOldNames) this.#showCompatible(registry);
  }

  /** Counts one finished request. */
  add(facts: CountedFacts): void {
    const counts = this.#countsOf(facts.route);
    counts.requests += 1;
    counts.requestBytes += facts.requestBytes;
    counts.responseBytes += facts.responseBytes;
    countStatus(counts.byStatus, facts.status);
    counts.durations.add(facts.ms);
    if (facts.headMs !== undefined) counts.headDurations.add(facts.headMs);
    if (facts.ending !== 'complete') {
      this.#byEnding.set(facts.ending, (this.#byEnding.get(facts.ending) ?? 0) + 1);
    }
  }

  /** The durations in Prometheus' text form; they are not in the registry. */
  durationText(): string {
    return this.#durations.text() + this.#headDurations.text();
  }

  #countsOf(route: Route | undefined): RouteCounts {
    if (route === undefined) return this.#withoutRoute;
    const { type, name } = route.service;
    const key = `${route.agent}\n${type}\n${name}`;
    const known = this.#byRoute.get(key);
    if (known !== undefined) return known;
    if (this.#byRoute.size >= MAX_ROUTE_SERIES) return this.#otherRoutes;
    const counts = this.#newCounts(route.agent, type, name);
    this.#byRoute.set(key, counts);
    return counts;
  }

  #newCounts(agent: string, type: string, service: string): RouteCounts {
    return {
      labels: { agent, type, service },
      durations: this.#durations.of(type),
      headDurations: this.#headDurations.of(type),
      byStatus: new Map(),
      requests: 0,
      requestBytes: 0,
      responseBytes: 0,
    };
  }

  #all(): RouteCounts[] {
    const rest = [this.#withoutRoute, this.#otherRoutes].filter((counts) => counts.requests > 0);
    return [...this.#byRoute.values(), ...rest];
  }

  #showRequests(registry: Registry): void {
    const all = () => this.#all();
    new Counter({
      name: 'fairlead_requests_total',
      help: 'Finished requests by route and status; status "none": no response head.',
      labelNames: ['agent', 'type', 'service', 'status'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, byStatus } of all()) {
          for (const [status, count] of byStatus) this.inc({ ...labels, status }, count);
        }
      },
    });
  }

  #showBytes(registry: Registry): void {
    this.#showSum(
      registry,
      'requestBytes',
      'fairlead_request_bytes_total',
      'Body bytes to targets.',
    );
    this.#showSum(
      registry,
      'responseBytes',
      'fairlead_response_bytes_total',
      'Body bytes from targets.',
    );
  }

  #showSum(
    registry: Registry,
    sum: 'requestBytes' | 'responseBytes',
    name: string,
    help: string,
  ): void {
    const all = () => this.#all();
    new Counter({
      name,
      help,
      labelNames: ['agent', 'type', 'service'],
      registers: [registry],
      collect() {
        this.reset();
        for (const counts of all()) this.inc(counts.labels, counts[sum]);
      },
    });
  }

  #showFailures(registry: Registry): void {
    const byEnding = this.#byEnding;
    new Counter({
      name: 'fairlead_request_failures_total',
      help: 'Requests that did not end with a whole response, by error code and hop.',
      labelNames: ['error', 'hop'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [error, count] of byEnding) {
          if (error !== 'complete') this.inc({ error, hop: ERROR_KINDS[error].hop }, count);
        }
      },
    });
  }

  /** v3.5's series: `route` is the agent name there, `service` the name of the service. */
  #showCompatible(registry: Registry): void {
    const all = () => this.#all();
    new Counter({
      name: 'api_requests_total',
      help: 'Finished requests, under the name and labels of v3.5.',
      labelNames: ['route', 'service'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, requests } of all()) {
          if (labels.agent !== '') {
            this.inc({ route: labels.agent, service: labels.service }, requests);
          }
        }
      },
    });
  }
}

function countStatus(byStatus: Map<string, number>, status: number | undefined): void {
  const exact = status === undefined ? 'none' : String(status);
  const label = byStatus.has(exact) || byStatus.size < MAX_STATUSES ? exact : 'other';
  byStatus.set(label, (byStatus.get(label) ?? 0) + 1);
}
