/**
 * What is written down of each stream that was forwarded: one log line and the metrics, as
 * exchange-report.ts does at the caller's end. Attached by stream-handler.ts; the composition roots say
 * where reports go.
 */
import type { Clock } from '../clock.js';
import type { TunnelError } from '../errors.js';
import { requestIdSource } from '../ids.js';
import type { AgentName, RequestId } from '../ids.js';
import type { Metrics } from '../operations/metrics.js';
import type { RequestHead } from '../protocol/frame.js';
import type { StreamObserver, TunnelStream } from '../protocol/tunnel-stream.js';
import type { RequestFacts, RequestLog } from '../request-log.js';

/** Where reports go. */
export interface StreamReportParts {
  readonly requestLog: RequestLog;
  readonly metrics: Pick<Metrics, 'requestFinished'>;
  readonly clock: Clock;
  /** Who serves, in the route of the reports: this agent, or `controller`. The caller's end says the same. */
  readonly agent: AgentName;
}

/** Makes the reports of one process. */
export class StreamReports {
  readonly #parts: StreamReportParts;
  readonly #newRequestId = requestIdSource();

  constructor(parts: StreamReportParts) {
    this.#parts = parts;
  }

  /** Reports on a stream from now until its end. `isOffered`: the service is one of ours. */
  begin(stream: TunnelStream, head: RequestHead, isOffered: boolean): StreamReport {
    const report = new StreamReport(stream, head, isOffered, this.#newRequestId(), this.#parts);
    stream.observer = report;
    return report;
  }
}

/** The report on one stream. */
export class StreamReport implements StreamObserver {
  readonly #stream: TunnelStream;
  /** As it goes to the target: a path of fiat has the user then, and no longer the signed token. */
  head: RequestHead;
  readonly #isOffered: boolean;
  readonly #requestId: RequestId;
  readonly #parts: StreamReportParts;
  readonly #startedMs: number;
  #status: number | undefined;
  #headMs: number | undefined;

  constructor(
    stream: TunnelStream,
    head: RequestHead,
    isOffered: boolean,
    requestId: RequestId,
    parts: StreamReportParts,
  ) {
    this.#stream = stream;
    this.head = head;
    this.#isOffered = isOffered;
    this.#requestId = requestId;
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
  }

  headSent(status: number): void {
    this.#status = status;
    this.#headMs = this.#parts.clock.monotonicMs() - this.#startedMs;
  }

  closed(error: TunnelError | undefined): void {
    const { requestLog, metrics, clock, agent } = this.#parts;
    const { service, method, target, headers } = this.head;
    const facts: RequestFacts = {
      requestId: this.#requestId,
      streamId: this.#stream.id,
      route: { agent, service },
      method,
      target,
      status: this.#status,
      requestBytes: this.#stream.receivedBytes,
      responseBytes: this.#stream.sentBytes,
      ms: clock.monotonicMs() - this.#startedMs,
      headMs: this.#headMs,
      ending: error?.code ?? 'complete',
      error,
      headers,
    };
    if (this.#isOffered) {
      metrics.requestFinished(facts);
      requestLog(facts);
    } else {
      // a peer that makes names up must neither use up the series of real ones nor fill the log, and who
      // asks in earnest has the line at the caller's end
      metrics.requestFinished({ ...facts, route: undefined });
    }
  }
}
