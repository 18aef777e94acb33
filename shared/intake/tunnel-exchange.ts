/**
 * Carries one caller's exchange over a stream of a session, both ways, under the stream's credits, and
 * sees to its ending: before the response head an error response, after it a broken connection. The
 * same at both ends of the tunnel; who may call and which session is used is decided before.
 */
import type { Clock, Timer } from '../clock.js';
import { TunnelError, tunnelErrorFrom } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import { errorResponse } from '../http/error-response.js';
import { bodyLength } from '../http/content-length.js';
import { callerHeaders, endToEndHeaders } from '../http/hop-by-hop.js';
import type { HeaderList } from '../http/header-list.js';
import { locationForCaller } from '../http/location.js';
import { isLongRunning } from '../http/long-running.js';
import type { RequestId, ServiceRef } from '../ids.js';
import type { RequestHead, ResponseHead } from '../protocol/frame.js';
import type { TunnelSession } from '../protocol/tunnel-session.js';
import type { StreamHandler, TunnelStream } from '../protocol/tunnel-stream.js';
import type { Answerable, CallerExchange } from './caller-exchange.js';

/** What has been decided about an exchange before it is carried. */
export interface ExchangePlan {
  readonly exchange: CallerExchange;
  readonly requestId: RequestId;
  readonly service: ServiceRef;
  /** The target as it goes to the service: the caller's, without our path prefix. */
  readonly target: string;
  /** The path prefix that was stripped, put back into Location. */
  readonly prefix: string;
  /** Changes the request headers on their way in (user header); the identity by default. */
  readonly mapRequest?: ((headers: HeaderList) => HeaderList) | undefined;
  /** Changes headers and trailers of the response on their way out; may throw a TunnelError to refuse them. */
  readonly mapResponse?: ((headers: HeaderList) => HeaderList) | undefined;
  /** A live session for the service, not one of `failed`. Throws AGENT_NOT_CONNECTED and the like. */
  chooseSession(failed: ReadonlySet<TunnelSession>): TunnelSession;
  readonly limits: ExchangeLimits;
  readonly clock: Clock;
  /** The exchange is over; called once. */
  onFinished(facts: ExchangeFacts): void;
}

/** Bounds of the waits of an exchange; a slice of the `limits` section of the configuration. */
export interface ExchangeLimits {
  /** Longest wait for a response head once the request has been sent, ms; 0 for none. */
  readonly responseHeadTimeoutMs: number;
  /** Longest silence in the middle of a request body, ms; 0 for no limit. */
  readonly callerBodyIdleTimeoutMs: number;
}

/** What became of an exchange. */
export interface ExchangeFacts {
  /** The last one, when the request was repeated. */
  readonly streamId?: number | undefined;
  readonly status: number | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Time until the response head, ms; undefined when there was none. */
  readonly headMs: number | undefined;
  readonly ending: 'complete' | ErrorCode;
  readonly error: TunnelError | undefined;
}

/** Methods that may be sent again when the session died before any response byte. */
const REPEATABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** The agent watches the target; this end waits a little longer and then doubts the agent. */
const HEAD_TIMEOUT_SLACK_MS = 5000;

/** How long the target may take for the last bytes of a switched connection that both sides have ended. */
const LAST_BYTES_MS = 60_000;

/** How long a caller may take for an answer of ours. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** Informational responses passed on per exchange; heads are under no credit, so they have to be few. */
const MAX_INFORMATIONAL = 100;

/** Starts carrying; everything after happens in callbacks. */
export function carryExchange(plan: ExchangePlan): void {
  new TunnelExchange(plan).start();
}

class TunnelExchange implements StreamHandler {
  readonly #plan: ExchangePlan;
  readonly #exchange: CallerExchange;
  readonly #head: RequestHead;
  readonly #failed = new Set<TunnelSession>();
  readonly #startedMs: number;
  #session: TunnelSession | undefined;
  #stream: TunnelStream | undefined;
  #headTimer: Timer | undefined;
  #bodyTimer: Timer | undefined;
  #isBodyMoving = true;
  #isHeldBack = false;
  #status: number | undefined;
  #headMs: number | undefined;
  #requestBytes = 0;
  #responseBytes = 0;
  /** Bytes of response body that are to come; undefined when nobody said. */
  #bodyLength: number | undefined;
  #isBodyStarted = false;
  #informational = 0;
  #error: TunnelError | undefined;

  constructor(plan: ExchangePlan) {
    const { exchange, mapRequest } = plan;
    this.#plan = plan;
    this.#exchange = exchange;
    this.#startedMs = plan.clock.monotonicMs();
    const headers = callerHeaders(exchange.headers, exchange.isUpgrade);
    this.#head = {
      service: plan.service,
      method: exchange.method,
      target: plan.target,
      headers: mapRequest === undefined ? headers : mapRequest(headers),
      ended: !exchange.hasBody,
      upgrade: exchange.isUpgrade,
    };
  }

  start(): void {
    this.#exchange.onClose = (complete) => this.#callerClosed(complete);
    this.#open();
  }

  #open(): void {
    try {
      this.#session = this.#plan.chooseSession(this.#failed);
      this.#stream = this.#session.open(this.#head, this);
    } catch (reason) {
      return this.#fail(tunnelErrorFrom(reason));
    }
    if (this.#head.ended) this.#awaitHead();
    else if (!this.#exchange.isUpgrade) this.#startBody();
  }

  // ---- the request ------------------------------------------------------------------------------

  #startBody(): void {
    this.#isBodyStarted = true;
    this.#watchBody();
    this.#exchange.startBody({
      onBody: (bytes) => {
        this.#isBodyMoving = true;
        this.#requestBytes += bytes.length;
        if (this.#stream?.write(bytes) !== false) return;
        this.#isHeldBack = true;
        this.#exchange.pauseBody();
      },
      onBodyEnd: (trailers) => {
        this.#bodyTimer?.cancel();
        this.#stream?.end(endToEndHeaders(trailers));
        if (this.#status === undefined) this.#awaitHead();
      },
      onBodyFault: (error) => this.#breakOff(error),
    });
  }

  onWritable(): void {
    this.#isBodyMoving = true;
    this.#isHeldBack = false;
    this.#exchange.resumeBody();
  }

  /**
   * A caller that stops in the middle of a body, or a target that takes nothing of it, does not stay for ever:
   * a caller that is held back is not read, so that its leaving goes unnoticed. A quiet shell may be quiet.
   */
  #watchBody(): void {
    const { clock, limits } = this.#plan;
    const timeoutMs = limits.callerBodyIdleTimeoutMs;
    if (timeoutMs === 0) return;
    this.#bodyTimer = clock.every(timeoutMs, () => {
      if (this.#isBodyMoving || (this.#exchange.isUpgrade && !this.#isHeldBack)) {
        this.#isBodyMoving = false;
        return;
      }
      const text = `the request body has not moved for ${timeoutMs / 1000} s (limits.callerBodyIdleTimeoutMs)`;
      this.#breakOff(new TunnelError('BODY_STALLED', text));
    });
  }

  #awaitHead(): void {
    this.#headTimer?.cancel(); // of the session that was lost, when the request is sent again
    const timeoutMs = this.#plan.limits.responseHeadTimeoutMs;
    if (timeoutMs === 0 || isLongRunning(this.#head)) return;
    this.#headTimer = this.#plan.clock.after(timeoutMs + HEAD_TIMEOUT_SLACK_MS, () => {
      this.#breakOff(new TunnelError('TARGET_SILENT', `no response head within ${timeoutMs} ms`));
    });
  }

  // ---- the response -----------------------------------------------------------------------------

  onHead(head: ResponseHead): void {
    this.#guarded(() => {
      if (head.status < 200 && head.status !== 101) this.#sendInformational(head);
      else this.#sendHead(head);
    });
  }

  #sendInformational({ status, headers }: ResponseHead): void {
    if (++this.#informational > MAX_INFORMATIONAL) return;
    this.#exchange.sendInformational(status, this.#responseHeaders(headers));
  }

  #sendHead(head: ResponseHead): void {
    const isSwitch = head.status === 101;
    this.#headTimer?.cancel();
    const length = isSwitch ? undefined : bodyLength(head, this.#head.method);
    if (length === 'faulty')
      return this.#refuseResponse('a Content-Length that is not that of its body');
    if (isSwitch && !this.#exchange.isUpgrade)
      return this.#refuseResponse('101 to an ordinary request');
    this.#bodyLength = length;
    const headers = this.#responseHeaders(head.headers, isSwitch);
    this.#exchange.sendHead({
      ...head,
      headers: locationForCaller(headers, this.#exchange.origin, this.#plan.prefix),
    });
    this.#status = head.status;
    this.#headMs = this.#plan.clock.monotonicMs() - this.#startedMs;
    if (isSwitch) this.#startBody();
    // an upgrade that was refused: nothing of ours will follow
    else if (this.#exchange.isUpgrade) this.#stream?.end();
  }

  #responseHeaders(given: HeaderList, isSwitch = false): HeaderList {
    const headers = endToEndHeaders(given, isSwitch);
    return this.#plan.mapResponse?.(headers) ?? headers;
  }

  onData(bytes: Buffer): void {
    this.#responseBytes += bytes.length;
    if (this.#bodyLength !== undefined && this.#responseBytes > this.#bodyLength) {
      return this.#refuseResponse('more body than its Content-Length');
    }
    const stream = this.#stream;
    this.#exchange.sendData(bytes, () => stream?.consumed(bytes.length));
  }

  onEnd(trailers: HeaderList): void {
    if (this.#bodyLength !== undefined && this.#responseBytes < this.#bodyLength) {
      return this.#refuseResponse('less body than its Content-Length');
    }
    this.#guarded(() => this.#exchange.sendEnd(this.#responseHeaders(trailers)));
  }

  /** What a caller's protocol cannot carry (a status of 99, a header with a line end) costs this exchange only. */
  #guarded(send: () => void): void {
    try {
      send();
    } catch (cause) {
      if (cause instanceof TunnelError) this.#breakOff(cause);
      else this.#refuseResponse('something that cannot be sent on', cause);
    }
  }

  #refuseResponse(what: string, cause?: unknown): void {
    this.#breakOff(new TunnelError('TARGET_BROKE_OFF', `the target answered ${what}`, { cause }));
  }

  #breakOff(error: TunnelError): void {
    this.#stream?.reset(error);
    this.#fail(error);
  }

  onReset(error: TunnelError | undefined): void {
    if (error === undefined) return; // the response is complete, the rest of the request unwanted
    if (this.#status === undefined && this.#mayRepeat(error)) {
      if (this.#session !== undefined) this.#failed.add(this.#session);
      return this.#open();
    }
    this.#fail(error);
  }

  /** Only what cannot have had an effect is sent twice, and only once more. */
  #mayRepeat(error: TunnelError): boolean {
    if (this.#failed.size > 0 || this.#isBodyStarted || this.#exchange.isUpgrade) return false;
    if (this.#informational > 0) return false; // the caller has had an answer of the target
    // refused by a session that was draining: it never reached the target
    if (error.code === 'DRAINING') return true;
    return error.code === 'AGENT_LOST' && REPEATABLE_METHODS.has(this.#head.method);
  }

  // ---- endings ----------------------------------------------------------------------------------

  #fail(error: TunnelError): void {
    this.#headTimer?.cancel();
    this.#bodyTimer?.cancel();
    this.#error ??= error;
    if (this.#status !== undefined) return this.#exchange.abort();
    const response = errorResponse(error, {
      method: this.#head.method,
      rawTarget: this.#plan.target,
      headers: this.#exchange.headers,
      serviceType: this.#plan.service.type,
      requestId: this.#plan.requestId,
    });
    this.#status = response.status;
    this.#headTimer = this.#plan.clock.after(ANSWER_TIMEOUT_MS, () => this.#exchange.abort());
    sendWhole(this.#exchange, response);
    this.#responseBytes = response.body.length;
  }

  #leave(stream: TunnelStream, complete: boolean): void {
    // made when it is needed: an error costs as much as the rest of a small request
    const reset = (): void => stream.reset(new TunnelError('CALLER_LEFT', 'the caller left'));
    if (!complete || !stream.isReceivingEnded) reset();
    // both halves of a switched connection have ended: its last bytes are still on their way
    else if (this.#exchange.isUpgrade && stream.isSendingEnded && !stream.isClosed) {
      const timer = this.#plan.clock.after(LAST_BYTES_MS, reset);
      stream.onClosed = () => timer.cancel();
    } else stream.stop();
    stream.discard();
  }

  #callerClosed(complete: boolean): void {
    this.#headTimer?.cancel();
    this.#bodyTimer?.cancel();
    if (this.#stream !== undefined) this.#leave(this.#stream, complete);
    if (!complete) this.#error ??= new TunnelError('CALLER_LEFT', 'the caller left');
    this.#plan.onFinished({
      streamId: this.#stream?.id,
      status: this.#status,
      requestBytes: this.#requestBytes,
      responseBytes: this.#responseBytes,
      headMs: this.#headMs,
      ending: this.#error?.code ?? 'complete',
      error: this.#error,
    });
  }
}

/** Sends a response that is at hand as a whole. */
export function sendWhole(
  exchange: Answerable,
  response: { status: number; headers: HeaderList; body: Buffer },
): void {
  const { status, headers, body } = response;
  exchange.sendHead({ status, reason: '', headers, ended: body.length === 0 });
  if (body.length === 0) return;
  exchange.sendData(body, () => undefined);
  exchange.sendEnd([]);
}
