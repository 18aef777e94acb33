/**
 * An HTTP/1.1 request of a caller as a CallerExchange, over Node's server objects: heads as raw header
 * lists, bodies as bytes, nothing held.
 */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { TunnelError } from '../errors.js';
import { flushHead } from '../http/flush-head.js';
import type { HeaderList } from '../http/header-list.js';
import { headerLines, headerPairs } from '../http/header-list.js';
import { writeHead } from '../http/write-head.js';
import type { ResponseHead } from '../protocol/frame.js';
import type { BodySink, CallerExchange, ClientCertificate } from './caller-exchange.js';
import { clientCertificateOf } from './client-certificate.js';

/** How long the rest of an unwanted request body is read before the connection is broken. */
const DISCARD_MS = 2000;

/** What an exchange asks of the listener for its connection. */
export interface CallerConnection {
  /** Breaks it. */
  reset(socket: Socket): void;
  /** It ends with the answer under way: nothing behind that is to be served. */
  last(socket: Socket): void;
}

/** One request on an HTTP/1 connection. */
export class Http1Exchange implements CallerExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly origin: string;
  readonly remoteAddress: string;
  readonly isUpgrade = false;
  readonly hasBody: boolean;
  onClose: ((complete: boolean) => void) | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #connection: CallerConnection;
  #isHeadWaiting = false;
  #sink: BodySink | undefined;
  #bodyFault: TunnelError | undefined;
  readonly #onSocketClose = (): void => this.#closed();

  constructor(request: IncomingMessage, response: ServerResponse, connection: CallerConnection) {
    this.#connection = connection;
    this.#request = request;
    this.#response = response;
    this.#socket = request.socket;
    this.method = request.method ?? '';
    this.target = request.url ?? '';
    this.headers = request.rawHeaders;
    this.origin = originOf(request);
    this.remoteAddress = request.socket.remoteAddress ?? '';
    this.hasBody = hasRequestBody(request);
    response.sendDate = false; // the target's own Date passes through
    response.on('close', () => this.#closed());
    // a pipelined response has no connection before its turn, and is not told when that ends
    if (response.socket === null) this.#socket.once('close', this.#onSocketClose);
    request.on('error', () => undefined); // a broken request also closes the response
    response.on('error', () => undefined);
  }

  clientCertificate(): ClientCertificate | undefined {
    return clientCertificateOf(this.#socket);
  }

  startBody(sink: BodySink): void {
    this.#sink = sink;
    if (this.#bodyFault !== undefined) return sink.onBodyFault(this.#bodyFault);
    this.#request.on('data', (bytes: Buffer) => sink.onBody(bytes));
    this.#request.on('end', () => sink.onBodyEnd(this.#request.rawTrailers));
  }

  /** What came behind the head is no sound body. May be called again: Node complains of each packet. */
  breakBody(error: TunnelError): void {
    if (this.#bodyFault !== undefined) return;
    this.#bodyFault = error;
    this.#sink?.onBodyFault(error);
  }

  isAnsweredBy(response: ServerResponse): boolean {
    return this.#response === response;
  }

  /** The connection ends with the response, which says so; once its head has left it is too late. */
  endConnection(): void {
    if (this.#response.headersSent) return;
    this.#response.shouldKeepAlive = false;
    this.#connection.last(this.#socket);
  }

  pauseBody(): void {
    this.#request.pause();
  }

  resumeBody(): void {
    this.#request.resume();
  }

  sendInformational(status: number, headers: HeaderList): void {
    // HTTP/1.0 knows none of them (RFC 9110 section 15.2)
    if (this.#response.headersSent || this.#request.httpVersion === '1.0') return;
    if (status === 100) return this.#response.writeContinue();
    // Node's own way refuses many a Link; while an earlier request is answered, a hint is left out
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
    this.#response.socket?.write(`${line}\r\n${headerLines(headers)}\r\n`, 'latin1');
  }

  sendHead(head: ResponseHead): void {
    // the rest of a request body that nobody reads must not be taken for the next request
    if (!this.#request.complete && !this.hasBodyEnded) this.#closeBehindAnswer();
    writeHead(this.#response, head);
    if (head.ended) {
      this.#response.end();
      return;
    }
    // a first piece of body in the same batch shares the packet; a quiet watch gets its head now
    this.#isHeadWaiting = true;
    process.nextTick(() => {
      if (this.#isHeadWaiting) flushHead(this.#response);
    });
  }

  sendData(bytes: Buffer, onWritten: () => void): void {
    this.#isHeadWaiting = false;
    this.#response.write(bytes, onWritten);
  }

  sendEnd(trailers: HeaderList): void {
    this.#isHeadWaiting = false;
    if (trailers.length > 0) this.#response.addTrailers(headerPairs(trailers));
    this.#response.end();
  }

  abort(): void {
    this.#connection.reset(this.#socket);
  }

  get hasBodyEnded(): boolean {
    return !this.hasBody || this.#request.readableEnded;
  }

  /**
   * The connection ends with the answer. Node would close it at once, and closing with unread bytes resets what the
   * caller has not read yet, so the rest of the body is read for a moment.
   */
  #closeBehindAnswer(): void {
    this.endConnection();
    const socket = this.#socket;
    const close = socket.destroySoon.bind(socket);
    // what Node calls behind an answer that ends its connection
    socket.destroySoon = () => {
      if (this.#request.complete) return close();
      socket.end();
      this.#request.removeAllListeners('data');
      this.#request.on('end', close);
      this.#request.resume();
      const timer = setTimeout(() => socket.destroy(), DISCARD_MS);
      timer.unref();
      socket.once('close', () => clearTimeout(timer));
    };
  }

  #closed(): void {
    this.#socket.off('close', this.#onSocketClose);
    this.onClose?.(this.#response.writableFinished);
    this.onClose = undefined;
  }
}

/** Whether HTTP/1 framing announces a body (RFC 9112 section 6). */
export function hasRequestBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  if (length !== undefined) return length !== '0';
  return request.headers['transfer-encoding'] !== undefined;
}

/** Scheme and authority by which the caller reached us. */
export function originOf(request: IncomingMessage): string {
  const scheme = request.socket instanceof TLSSocket ? 'https' : 'http';
  const { localAddress = '', localPort = 0 } = request.socket;
  const fallback = `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
  return `${scheme}://${request.headers.host ?? fallback}`;
}
