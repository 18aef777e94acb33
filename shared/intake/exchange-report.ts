/**
 * What is written down of each finished exchange: one log line and the metrics. The same at both ends.
 */
import type { Clock } from '../clock.js';
import type { TunnelError } from '../errors.js';
import { errorResponse } from '../http/error-response.js';
import type { RequestId, Route } from '../ids.js';
import type { Log } from '../log.js';
import type { Metrics } from '../operations/metrics.js';
import { createRequestLog } from '../request-log.js';
import type { RequestFacts, RequestLog } from '../request-log.js';
import type { Answerable } from './caller-exchange.js';
import { ANSWER_TIMEOUT_MS, sendWhole } from './tunnel-exchange.js';
import type { ExchangeFacts } from './tunnel-exchange.js';

/** Where reports go. */
export interface ReportParts {
  readonly requestLog: RequestLog;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reports on one exchange, from its arrival. */
export class ExchangeReport {
  readonly requestId: RequestId;
  /** Set by open-exchanges.ts, which counts those. */
  isAdmitted = false;
  readonly #parts: ReportParts;
  readonly #exchange: Answerable;
  readonly #startedMs: number;
  readonly #onFinished: () => void;
  #route: Route | undefined;

  constructor(
    exchange: Answerable,
    requestId: RequestId,
    parts: ReportParts,
    onFinished: () => void,
  ) {
    this.#onFinished = onFinished;
    this.requestId = requestId;
    this.#exchange = exchange;
    this.#parts = parts;
    this.#startedMs = parts.clock.monotonicMs();
    parts.metrics.streamOpened();
  }

  /** Sets the route once the credential has told it. */
  routed(route: Route): void {
    this.#route = route;
  }

  /** The exchange is over. */
  finished(facts: ExchangeFacts): void {
    const { requestLog, metrics, clock, log } = this.#parts;
    const { method, target, headers, remoteAddress } = this.#exchange;
    // field by field: this runs for each request, and a spread costs as much as all the rest
    const report: RequestFacts = {
      status: facts.status,
      requestBytes: facts.requestBytes,
      responseBytes: facts.responseBytes,
      headMs: facts.headMs,
      ending: facts.ending,
      error: facts.error,
      requestId: this.requestId,
      streamId: facts.streamId,
      route: this.#route,
      method,
      target,
      ms: clock.monotonicMs() - this.#startedMs,
      callerAddress: remoteAddress,
      headers,
    };
    metrics.streamClosed();
    metrics.requestFinished(report);
    requestLog(report);
    this.#onFinished();
    if (facts.error?.code === 'INTERNAL') {
      log.error({ err: facts.error, requestId: this.requestId }, 'internal fault');
    }
  }

  /** Answers what is not carried, and reports it. */
  refuse(error: TunnelError): void {
    const exchange = this.#exchange;
    const { method = '', target = '' } = exchange;
    const response = errorResponse(error, {
      method,
      rawTarget: target,
      headers: exchange.headers,
      serviceType: this.#route?.service.type ?? serviceTypeInPath(target),
      requestId: this.requestId,
    });
    const timer = this.#parts.clock.after(ANSWER_TIMEOUT_MS, () => exchange.abort());
    exchange.onClose = (complete) => {
      timer.cancel();
      this.finished({
        status: complete ? response.status : undefined,
        requestBytes: 0,
        responseBytes: complete ? response.body.length : 0,
        headMs: undefined,
        ending: error.code,
        error,
      });
    };
    sendWhole(exchange, response);
  }
}

/** Before the credential has told the route, the prefix of the path says what kind of answer is read. */
function serviceTypeInPath(target: string): string | undefined {
  return /^\/agents\/[^/]+\/([^/]+)\//.exec(target)?.[1];
}

/** The request log that the option `requestLog` asks for: nothing, failures, or every request. */
export function requestLogOf(setting: 'off' | 'failures' | 'all', log: Log): RequestLog {
  if (setting === 'off') return () => undefined;
  return createRequestLog(log, { routineLevel: setting === 'all' ? 'info' : 'debug' });
}
