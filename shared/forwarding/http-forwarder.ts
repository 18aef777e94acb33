/**
 * Ordinary requests over pooled, kept-alive connections (undici's dispatch interface: raw header lists,
 * bytes as they come, backpressure by return value). Upgrades and the like: upgrade-forwarder.ts.
 */
import type { Dispatcher } from 'undici';
import type { Timer } from '../clock.js';
import { TunnelError } from '../errors.js';
import type { HeaderList } from '../http/header-list.js';
import { headerOfBytes, headerOfText } from '../http/header-text.js';
import { serviceText } from '../ids.js';
import { isLongRunning } from '../http/long-running.js';
import { targetHeaders } from '../http/target-headers.js';
import type { TunnelStream } from '../protocol/tunnel-stream.js';
import { headTimeoutError } from './head-timeout.js';
import { RequestBody } from './request-body.js';
import { MAX_INFORMATIONAL, responseHead, unfitFields } from './response-head.js';
import type { Forward } from './stream-handler.js';
import type { TargetConnections } from './target-connections.js';
import type { TargetEndpoint } from './target.js';
import { isBrokenConnection, targetErrorFrom } from './target-error.js';

/** Methods that may go to the target again when a kept-alive connection turns out to be dead. */
const REPEATABLE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Starts forwarding; everything after happens in callbacks. */
export function forwardOverPool(forward: Forward): void {
  new PooledForward(forward).start();
}

/** The target's side: what undici reports. The stream's side is attached in the constructor. */
class PooledForward implements Dispatcher.DispatchHandler {
  readonly #forward: Forward;
  readonly #stream: TunnelStream;
  readonly #endpoint: TargetEndpoint;
  /** Kept for a repeat: once a reload has closed them, it is refused and opens no others to the old endpoint. */
  readonly #connections: TargetConnections;
  readonly #headers: HeaderList;
  readonly #body: RequestBody | undefined;
  #abort: ((reason?: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  #headTimer: Timer | undefined;
  #isHeadSent = false;
  #isBodyless = false;
  #isOver = false;
  #attempts = 0;
  #informational = 0;

  constructor(forward: Forward) {
    const { stream, head, target, authorization, pools } = forward;
    this.#forward = forward;
    this.#stream = stream;
    this.#endpoint = target.endpoint();
    this.#connections = pools.poolOf(target, this.#endpoint);
    const { authority } = this.#endpoint;
    this.#headers = targetHeaders(
      head.headers,
      { kind: target.kind, authority, authorization },
      false,
    );
    this.#body = head.ended ? undefined : new RequestBody(stream);
    stream.attach({
      onHead: () => undefined, // only openers get heads
      onData: (bytes) => this.#body?.give(bytes),
      onEnd: () => this.#requestComplete(),
      onReset: () => this.#callerGone(),
      onWritable: () => this.#resume?.(),
    });
  }

  start(): void {
    const { target, ended } = this.#forward.head;
    if (!target.startsWith('/')) {
      return this.#fail(new TunnelError('REQUEST_INVALID', 'a target of "*" cannot be forwarded'));
    }
    this.#dispatch();
    if (ended) this.#awaitHead();
  }

  #dispatch(): void {
    const { head } = this.#forward;
    this.#attempts++;
    const serverName = this.#endpoint.tls?.serverName;
    this.#connections.dispatch(
      {
        path: this.#endpoint.basePath + head.target,
        method: head.method,
        headers: this.#headers,
        body: this.#body ?? null,
        // read by undici, missing from its types
        ...(serverName === undefined ? {} : ({ servername: serverName } as object)),
      },
      this,
    );
  }

  // ---- what the stream brings -------------------------------------------------------------------

  #requestComplete(): void {
    this.#body?.complete();
    if (!this.#isHeadSent) this.#awaitHead();
  }

  /** The caller left, or the session is gone: the target must not work for nobody. */
  #callerGone(): void {
    this.#end();
    this.#abort?.(new Error('the caller left'));
    this.#body?.destroy();
  }

  #awaitHead(): void {
    const { parts, head } = this.#forward;
    const timeoutMs = parts.limits.responseHeadTimeoutMs;
    if (this.#isOver || timeoutMs === 0 || isLongRunning(head)) return;
    this.#headTimer = parts.clock.after(timeoutMs, () => {
      this.#fail(headTimeoutError(head.service, timeoutMs));
      this.#abort?.(new Error('no response head in time'));
    });
  }

  // ---- what the target brings (undici) ----------------------------------------------------------

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    if (this.#isOver) abort(new Error('the caller left'));
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void, statusText: string): boolean {
    const headers = raw.map(headerOfBytes);
    const { method } = this.#forward.head;
    if (!this.#isFit(headers, status)) return true;
    const reason = headerOfText(statusText); // undici reads its bytes as UTF-8
    const { mapResponse } = this.#forward.parts;
    const head = responseHead({ status, reason, headers, method }, this.#endpoint, mapResponse);
    if (status < 200) {
      if (++this.#informational <= MAX_INFORMATIONAL)
        this.#stream.sendHead({ ...head, ended: false });
      return true;
    }
    this.#headTimer?.cancel();
    this.#resume = resume;
    this.#isHeadSent = true;
    this.#isBodyless = head.ended;
    if (status === 401 && this.#forward.authorization !== undefined) {
      this.#forward.target.credentialRefused();
    }
    this.#stream.sendHead(head);
    return true;
  }

  onData(bytes: Buffer): boolean {
    return this.#stream.write(bytes);
  }

  onComplete(raw: unknown): void {
    const trailers = trailerList(raw);
    if (!this.#isFit(trailers)) return;
    this.#end();
    if (!this.#isBodyless) this.#stream.end(trailers);
    // the target has answered before it had the whole request: the rest is not wanted
    if (!this.#stream.isReceivingEnded) this.#stream.stop();
    this.#body?.destroy();
  }

  /** Fails the exchange when the tunnel cannot carry what the target sent. */
  #isFit(fields: HeaderList, status?: number): boolean {
    const fault = unfitFields(fields, status);
    if (fault === undefined) return true;
    const name = serviceText(this.#forward.head.service);
    this.#fail(new TunnelError('TARGET_BROKE_OFF', `target of ${name}: ${fault}`));
    this.#abort?.(new Error(fault));
    return false;
  }

  onError(reason: Error): void {
    if (this.#isOver) return;
    if (this.#mayRepeat(reason)) return this.#dispatch();
    this.#fail(targetErrorFrom(reason, this.#forward.head.service));
  }

  /** A kept-alive connection that the target had closed: once more, on another one. */
  #mayRepeat(reason: Error): boolean {
    const { method, ended } = this.#forward.head;
    if (this.#isHeadSent || this.#attempts > 1 || !ended) return false;
    return REPEATABLE_METHODS.has(method) && isBrokenConnection(reason);
  }

  #fail(error: TunnelError): void {
    if (this.#isOver) return;
    this.#end();
    this.#stream.reset(error);
    this.#body?.destroy();
  }

  #end(): void {
    this.#isOver = true;
    this.#headTimer?.cancel();
  }
}

/** Trailers as undici gives them: a flat list of buffers, or nothing. */
function trailerList(list: unknown): HeaderList {
  if (!Array.isArray(list)) return [];
  return list.map((item: unknown) => (Buffer.isBuffer(item) ? headerOfBytes(item) : String(item)));
}
