/**
 * Requests that need a connection of their own, over node:http: switches of protocol (SPDY/3.1,
 * websocket), `Expect: 100-continue`, request trailers. After 101 both directions are raw bytes with
 * exact half-close.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Timer } from '../clock.js';
import { TunnelError } from '../errors.js';
import { flushHead } from '../http/flush-head.js';
import { headerPairs, headerValue, withoutHeaders } from '../http/header-list.js';
import type { HeaderList } from '../http/header-list.js';
import { isLongRunning } from '../http/long-running.js';
import { resetConnection } from '../http/reset-connection.js';
import { targetHeaders } from '../http/target-headers.js';
import { serviceText } from '../ids.js';
import type { RequestHead } from '../protocol/frame.js';
import type { StreamHandler, TunnelStream } from '../protocol/tunnel-stream.js';
import { headTimeoutError } from './head-timeout.js';
import { MAX_INFORMATIONAL, responseHead, unfitFields } from './response-head.js';
import type { Forward } from './stream-handler.js';
import type { TargetEndpoint } from './target.js';
import { targetErrorFrom } from './target-error.js';
import { TARGET_KEEPALIVE_MS, tlsConnectOptions } from './target-pool.js';

/** Starts forwarding; everything after happens in callbacks. */
export function forwardOnOwnConnection(forward: Forward): void {
  new OwnConnectionForward(forward).start();
}

class OwnConnectionForward implements StreamHandler {
  readonly #forward: Forward;
  readonly #stream: TunnelStream;
  readonly #endpoint: TargetEndpoint;
  #request: http.ClientRequest | undefined;
  #response: http.IncomingMessage | undefined;
  /** The raw connection after 101. */
  #socket: Duplex | undefined;
  #headTimer: Timer | undefined;
  #isOver = false;
  #informationalCount = 0;

  constructor(forward: Forward) {
    this.#forward = forward;
    this.#stream = forward.stream;
    this.#endpoint = forward.target.endpoint();
  }

  start(): void {
    try {
      this.#request = this.#send();
    } catch (cause) {
      const error = new TunnelError('REQUEST_INVALID', 'the request is not valid HTTP/1.1', {
        cause,
      });
      return this.#stream.reset(error);
    }
    this.#stream.attach(this);
    const { upgrade, ended } = this.#forward.head;
    if (upgrade || ended) this.#awaitHead();
  }

  #send(): http.ClientRequest {
    const { head, target, authorization, parts } = this.#forward;
    const { authority, host, port, basePath, tls } = this.#endpoint;
    const identity = { kind: target.kind, authority, authorization };
    // allowHalfOpen reaches net.connect, though the types of http do not know it
    const options: https.RequestOptions & { allowHalfOpen: boolean } = {
      method: head.method,
      host,
      port,
      path: basePath + head.target,
      headers: framed(head, targetHeaders(head.headers, identity, head.upgrade)),
      agent: false,
      allowHalfOpen: true,
      maxHeaderSize: parts.limits.maxHeaderBytes,
      ...tlsConnectOptions(this.#endpoint),
      ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
      ...(tls === undefined ? {} : { ALPNProtocols: ['http/1.1'] }),
    };
    const request = (tls === undefined ? http : https).request(options);
    request.setNoDelay(true);
    request.setSocketKeepAlive(true, TARGET_KEEPALIVE_MS);
    request.on('information', (info) => this.#informational(info.statusCode, info.rawHeaders));
    request.on('response', (response) => this.#guarded(() => this.#answered(response)));
    request.on('upgrade', (response, socket: Duplex, head) =>
      this.#guarded(() => this.#switched(response, socket, head)),
    );
    request.on('error', (reason) => this.#fail(targetErrorFrom(reason, head.service)));
    this.#limitConnecting(request);
    if (head.upgrade || head.ended) request.end();
    else flushHead(request);
    return request;
  }

  #limitConnecting(request: http.ClientRequest): void {
    const { clock, limits } = this.#forward.parts;
    const timer = clock.after(limits.targetConnectTimeoutMs, () => {
      request.destroy(Object.assign(new Error('connecting took too long'), { code: 'ETIMEDOUT' }));
    });
    request.on('socket', (socket) => {
      socket.once(this.#endpoint.tls === undefined ? 'connect' : 'secureConnect', () =>
        timer.cancel(),
      );
    });
    request.on('close', () => timer.cancel());
  }

  // ---- what the stream brings -------------------------------------------------------------------

  onHead(): void {
    // only openers get heads
  }

  onData(bytes: Buffer): void {
    const done = (): void => this.#stream.consumed(bytes.length);
    if (this.#socket !== undefined) this.#socket.write(bytes, done);
    else if (this.#forward.head.upgrade)
      done(); // an answer that was no switch; nothing reads this
    else this.#request?.write(bytes, done);
  }

  onEnd(trailers: HeaderList): void {
    if (this.#socket !== undefined) this.#socket.end();
    const { upgrade, headers } = this.#forward.head;
    if (upgrade) return;
    // others are left out, as http-forwarder.ts cannot send them
    const isAnnounced = headerValue(headers, 'trailer') !== undefined;
    if (isAnnounced && trailers.length > 0) this.#request?.addTrailers(headerPairs(trailers));
    this.#request?.end();
    if (this.#response === undefined) this.#awaitHead();
  }

  onReset(): void {
    this.#end();
    this.#request?.destroy();
    if (this.#socket !== undefined) breakOff(this.#socket);
  }

  onWritable(): void {
    (this.#socket ?? this.#response)?.resume();
  }

  #awaitHead(): void {
    const { parts, head } = this.#forward;
    const timeoutMs = parts.limits.responseHeadTimeoutMs;
    // a switch of protocol answers at once or not at all, so it is bounded like any other head
    const isExempt = !head.upgrade && isLongRunning(head);
    if (this.#isOver || timeoutMs === 0 || isExempt) return;
    this.#headTimer = parts.clock.after(timeoutMs, () => {
      this.#fail(headTimeoutError(head.service, timeoutMs));
      this.#request?.destroy();
    });
  }

  // ---- what the target brings -------------------------------------------------------------------

  /** An answer that may not be sent on costs this exchange only. */
  #guarded(take: () => void): void {
    try {
      take();
    } catch (reason) {
      this.#fail(targetErrorFrom(reason, this.#forward.head.service));
      this.#request?.destroy();
    }
  }

  #informational(status: number, headers: HeaderList): void {
    if (this.#isOver || this.#response !== undefined || !this.#isFit(headers, status)) return;
    if (++this.#informationalCount > MAX_INFORMATIONAL) return;
    this.#stream.sendHead({ status, reason: '', headers, ended: false });
  }

  #answered(response: http.IncomingMessage): void {
    this.#headTimer?.cancel();
    if (this.#isOver || !this.#isFit(response.rawHeaders, response.statusCode)) return;
    this.#response = response;
    const head = this.#head(response);
    if (response.statusCode === 401 && this.#forward.authorization !== undefined) {
      this.#forward.target.credentialRefused();
    }
    this.#stream.sendHead(head);
    response.on('data', (bytes: Buffer) => {
      if (!this.#stream.write(bytes)) response.pause();
    });
    response.on('end', () => this.#responseComplete(response, head.ended));
    response.on('error', (reason) =>
      this.#fail(targetErrorFrom(reason, this.#forward.head.service)),
    );
  }

  #responseComplete(response: http.IncomingMessage, wasBodyless: boolean): void {
    if (!this.#isFit(response.rawTrailers)) return;
    this.#end();
    if (!wasBodyless) this.#stream.end(response.rawTrailers);
    // answered before the whole request was there: the rest is not wanted
    if (!this.#stream.isReceivingEnded) this.#stream.stop();
    this.#request?.destroy();
  }

  #switched(response: http.IncomingMessage, socket: Duplex, first: Buffer): void {
    this.#headTimer?.cancel();
    if (this.#isOver) {
      socket.destroy();
      return;
    }
    this.#response = response;
    this.#socket = socket;
    this.#stream.sendHead(this.#head(response));
    if (first.length > 0) this.#stream.write(first);
    socket.on('data', (bytes: Buffer) => {
      if (!this.#stream.write(bytes)) socket.pause();
    });
    socket.on('end', () => this.#stream.end());
    socket.on('error', (reason) => this.#fail(targetErrorFrom(reason, this.#forward.head.service)));
    socket.on('close', () => {
      if (!this.#stream.isSendingEnded) this.#fail(brokeOff(this.#forward));
      this.#end();
    });
  }

  #head(response: http.IncomingMessage): ReturnType<typeof responseHead> {
    const { method } = this.#forward.head;
    const { statusCode: status = 0, statusMessage: reason = '', rawHeaders: headers } = response;
    const { mapResponse } = this.#forward.parts;
    const head = responseHead({ status, reason, headers, method }, this.#endpoint, mapResponse);
    return status === 101 ? { ...head, ended: false } : head;
  }

  /** Fails the exchange when the tunnel cannot carry what the target sent. */
  #isFit(fields: HeaderList, status?: number): boolean {
    const fault = unfitFields(fields, status);
    if (fault === undefined) return true;
    const name = serviceText(this.#forward.head.service);
    this.#fail(new TunnelError('TARGET_BROKE_OFF', `target of ${name}: ${fault}`));
    this.#request?.destroy();
    return false;
  }

  #fail(error: TunnelError): void {
    if (this.#isOver) return;
    this.#end();
    this.#stream.reset(error);
    this.#socket?.destroy();
  }

  #end(): void {
    this.#isOver = true;
    this.#headTimer?.cancel();
  }
}

/**
 * The headers with a framing that node:http would get wrong by itself. A body without a length is chunked,
 * whatever the method: to GET, DELETE and OPTIONS Node writes its bytes bare, and the target takes them for
 * the next request. So is one with trailers, which HTTP/2 has beside a length; without a body they cannot be announced.
 * An upgrade has no body; to a POST that does not say so Node would add an empty one.
 */
function framed({ upgrade, ended, method }: RequestHead, headers: HeaderList): HeaderList {
  const hasTrailers = headerValue(headers, 'trailer') !== undefined;
  const unfit = upgrade || ended ? 'trailer' : 'content-length';
  const given = hasTrailers ? withoutHeaders(headers, (name) => name === unfit) : headers;
  if (headerValue(given, 'content-length') !== undefined) return given;
  if (!upgrade) return ended ? given : [...given, 'Transfer-Encoding', 'chunked'];
  return method === 'GET' ? given : [...given, 'Content-Length', '0'];
}

/** Breaks a switched connection: a mere close would be an orderly end of the bytes to the target. */
function breakOff(socket: Duplex): void {
  // below TLS a reset is not needed, as an end without TLS' own is no orderly one
  if (socket instanceof Socket && !(socket instanceof TLSSocket)) resetConnection(socket);
  else socket.destroy();
}

function brokeOff(forward: Forward): TunnelError {
  return targetErrorFrom(new Error('closed'), forward.head.service);
}
