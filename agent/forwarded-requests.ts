/**
 * What the agent writes down of each request that came through the tunnel: one log line and the metrics, as
 * the listeners do of theirs. The route is that of this agent, so both ends count under the same labels.
 */
import type { AgentName } from '../shared/ids.js';
import { requestIdSource } from '../shared/ids.js';
import { headerValue } from '../shared/http/header-list.js';
import type { ReportParts } from '../shared/intake/exchange-report.js';
import type { RequestHead } from '../shared/protocol/frame.js';
import type { TunnelStream } from '../shared/protocol/tunnel-stream.js';

/** Reports on streams that the controller opened. */
export class ForwardedRequests {
  readonly #parts: ReportParts;
  readonly #agent: AgentName;
  readonly #newRequestId = requestIdSource();

  constructor(agent: AgentName, parts: ReportParts) {
    this.#agent = agent;
    this.#parts = parts;
  }

  /** Takes a stream that has just been opened; the report follows by itself when it is over. */
  begin(stream: TunnelStream, head: RequestHead): void {
    const { metrics, clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    metrics.streamOpened();
    stream.onClosed = () => {
      metrics.streamClosed();
      this.#finished(stream, head, clock.monotonicMs() - startedMs);
    };
  }

  #finished(stream: TunnelStream, head: RequestHead, ms: number): void {
    const { requestLog, metrics } = this.#parts;
    const { status, sentBytes, receivedBytes, ending } = stream.record;
    const facts = {
      requestId: this.#newRequestId(),
      route: { agent: this.#agent, service: head.service },
      method: head.method,
      target: head.target,
      status,
      requestBytes: receivedBytes,
      responseBytes: sentBytes,
      ms,
      ending,
      spinnakerUser: undefined, // a signed token here; the controller logs the user
      executionId: headerValue(head.headers, 'x-spinnaker-execution-id'),
      kubectlSession: headerValue(head.headers, 'kubectl-session'),
    };
    metrics.requestFinished(facts);
    requestLog(facts);
  }
}
