/**
 * The numbers of one process, in Prometheus' text form. Built by the composition roots and handed to the
 * parts, which call one typed method per event; operations-listener.ts serves them.
 * Names and labels are listed in request-counters.ts, session-gauges.ts and below.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { AgentName, SessionId } from '../ids.js';
import { RequestCounters, type CountedFacts } from './request-counters.js';
import { SessionGauges } from './session-gauges.js';

/** What the parts of a process report. Every method is cheap and safe at any time. */
export interface Metrics {
  /** Content-Type of `text()`. */
  readonly contentType: string;
  /** All series, for a scrape. */
  text(): Promise<string>;
  /** A request has ended; take the facts that go to the request log. Once per request. */
  requestFinished(facts: CountedFacts): void;
  sessionOpened(agent: AgentName, session: SessionId): void;
  sessionClosed(agent: AgentName, session: SessionId): void;
  streamOpened(): void;
  streamClosed(): void;
  /** The round trip of a heartbeat. */
  observeRtt(agent: AgentName, session: SessionId, rttMs: number): void;
  /**
   * A link has ended: at the controller a session, at the agent also an attempt that failed. `reason` is an
   * error code.
   */
  linkEnded(reason: string): void;
  /** A certificate in use; called again when it is renewed. `notAfterMs` is in ms since the epoch. */
  certificateExpires(certificate: string, notAfterMs: number): void;
  /** Adds a source of queued bytes, asked at each scrape; the returned function takes it away. */
  queuedBytes(read: () => number): () => void;
}

/** What distinguishes this process. */
export interface MetricsOptions {
  readonly version: string;
  readonly side: 'controller' | 'agent';
  /**
   * Adds CPU, memory, event-loop lag and garbage collection (prom-client's default metrics). Default true.
   * They observe the whole process and cannot be stopped, so tests with many parts leave them out.
   */
  readonly processMetrics?: boolean;
}

/** Reasons for which links end beyond this many are counted as `other`. */
const MAX_REASONS = 50;

/** The metrics of one process, in a registry of their own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });
  showBuild(registry, options);
  // dashboards of the Go versions add up what they find, and it stood at the controller only
  const hasOldNames = options.side === 'controller';
  const requests = new RequestCounters(registry, hasOldNames);
  const sessions = new SessionGauges(registry, hasOldNames);
  const openStreams = openStreamsGauge(registry);
  return {
    contentType: registry.contentType,
    text: async () => (await registry.metrics()) + requests.durationText(),
    requestFinished: (facts) => requests.add(facts),
    sessionOpened: (agent, session) => sessions.opened(agent, session),
    sessionClosed: (agent, session) => sessions.closed(agent, session),
    observeRtt: (agent, session, rttMs) => sessions.observeRtt(agent, session, rttMs),
    ...openStreams,
    linkEnded: linkEndCounter(registry, LINK_ENDS[options.side]),
    certificateExpires: certificateGauge(registry),
    queuedBytes: queuedBytesGauge(registry),
  };
}

function showBuild(registry: Registry, { version, side }: MetricsOptions): void {
  new Gauge({
    name: 'fairlead_build_info',
    help: 'Always 1; version of Fairlead and Node.js, and which side this process is.',
    labelNames: ['version', 'side', 'node'],
    registers: [registry],
  }).set({ version, side, node: process.version }, 1);
}

function openStreamsGauge(registry: Registry): Pick<Metrics, 'streamOpened' | 'streamClosed'> {
  let open = 0;
  new Gauge({
    name: 'fairlead_streams_open',
    help: 'Requests under way through the tunnel.',
    registers: [registry],
    collect() {
      this.set(open);
    },
  });
  return {
    streamOpened: () => {
      open += 1;
    },
    streamClosed: () => {
      open -= 1;
    },
  };
}

/** How each side calls the ends of links, which it does not see in the same way. */
const LINK_ENDS = {
  agent: {
    name: 'fairlead_reconnects_total',
    help: 'Times the link to the controller was lost and dialled anew, by reason.',
  },
  controller: {
    name: 'fairlead_disconnects_total',
    help: 'Sessions of agents that have ended, by reason.',
  },
} as const;

function linkEndCounter(
  registry: Registry,
  shown: { readonly name: string; readonly help: string },
): Metrics['linkEnded'] {
  const reasons = new Set<string>();
  const counter = new Counter({
    ...shown,
    labelNames: ['reason'],
    registers: [registry],
  });
  return (reason) => {
    const isCounted = reasons.has(reason) || reasons.size < MAX_REASONS;
    if (isCounted) reasons.add(reason);
    counter.inc({ reason: isCounted ? reason : 'other' });
  };
}

/** A point in time, as Prometheus advises: `… - time()` in a rule gives the seconds that are left. */
function certificateGauge(registry: Registry): Metrics['certificateExpires'] {
  const gauge = new Gauge({
    name: 'fairlead_certificate_expiration_timestamp_seconds',
    help: 'When each certificate in use expires, in seconds since the epoch.',
    labelNames: ['certificate'],
    registers: [registry],
  });
  return (certificate, notAfterMs) => gauge.set({ certificate }, notAfterMs / 1_000);
}

function queuedBytesGauge(registry: Registry): Metrics['queuedBytes'] {
  // Sources are wrapped, so that a function given twice counts twice and each is taken away alone.
  const sources = new Set<{ readonly read: () => number }>();
  new Gauge({
    name: 'fairlead_queued_bytes',
    help: 'Bytes that wait in this process for a peer to take them.',
    registers: [registry],
    collect() {
      let sum = 0;
      for (const source of sources) sum += source.read();
      this.set(sum);
    },
  });
  return (read) => {
    const source = { read };
    sources.add(source);
    return () => void sources.delete(source);
  };
}
