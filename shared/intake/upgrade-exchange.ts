/**
 * A caller's request to switch protocols (SPDY/3.1, websocket) as a CallerExchange. After 101 the
 * connection is a raw byte pipe with exact half-close; a refusal goes out as an ordinary response.
 */
import { STATUS_CODES, ServerResponse } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { flushHead } from '../http/flush-head.js';
import { headerLines } from '../http/header-list.js';
import type { HeaderList } from '../http/header-list.js';
import { writeHead } from '../http/write-head.js';
import type { ResponseHead } from '../protocol/frame.js';
import type { BodySink, CallerExchange, ClientCertificate } from './caller-exchange.js';
import { clientCertificateOf } from './client-certificate.js';
import { originOf } from './http1-exchange.js';

/** Bytes that a caller may send before the switch; more waits in its connection. */
const EARLY_BYTES = 64 * 1024;
/** How long a refused caller may take to close its connection. */
const LINGER_MS = 2000;

/** One upgrade request on an HTTP/1 connection, which it takes over. */
export class UpgradeExchange implements CallerExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly origin: string;
  readonly remoteAddress: string;
  readonly isUpgrade = true;
  readonly hasBody = true;
  onClose: ((complete: boolean) => void) | undefined;
  readonly #request: IncomingMessage;
  readonly #socket: Duplex;
  /** What came before the switch: in the same packet as the request, or while it was not answered. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #sink: BodySink | undefined;
  #refusal: ServerResponse | undefined;
  readonly #reset: (socket: Duplex) => void;
  #isEnded = false;

  /** `head` is what came with the request; `reset` breaks a connection. */
  constructor(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    reset: (socket: Duplex) => void,
  ) {
    this.#reset = reset;
    this.#request = request;
    this.#socket = socket;
    this.method = request.method ?? '';
    this.target = request.url ?? '';
    this.headers = request.rawHeaders;
    this.origin = originOf(request);
    this.remoteAddress = request.socket.remoteAddress ?? '';
    socket.on('error', () => undefined); // always followed by close
    socket.on('close', () => this.#closed());
    request.socket.setTimeout(0);
    request.socket.setNoDelay(true);
    if (head.length > 0) this.#keep(head);
    // read from the start, or a caller that leaves before the answer would not be noticed
    socket.on('data', (bytes: Buffer) => {
      if (this.#sink !== undefined) this.#sink.onBody(bytes);
      else if (this.#refusal === undefined) this.#keep(bytes);
    });
    socket.on('end', () => {
      if (this.#sink !== undefined) this.#sink.onBodyEnd([]);
      else if (this.#refusal === undefined) socket.destroy();
    });
  }

  #keep(bytes: Buffer): void {
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    if (this.#earlyBytes >= EARLY_BYTES) this.#socket.pause();
  }

  clientCertificate(): ClientCertificate | undefined {
    return clientCertificateOf(this.#socket);
  }

  startBody(sink: BodySink): void {
    this.#sink = sink;
    this.#socket.resume(); // first, as the sink may ask to pause
    for (const bytes of this.#early) sink.onBody(bytes);
    this.#early = [];
  }

  pauseBody(): void {
    this.#socket.pause();
  }

  resumeBody(): void {
    this.#socket.resume();
  }

  sendInformational(): void {
    // a switch of protocols has no use for 100 or 103
  }

  sendHead(head: ResponseHead): void {
    if (head.status !== 101) return this.#refuse(head);
    const reason = head.reason === '' ? STATUS_CODES[101] : head.reason;
    const lines = `Connection: Upgrade\r\n${headerLines(head.headers)}`;
    this.#socket.write(`HTTP/1.1 101 ${reason ?? ''}\r\n${lines}\r\n`, 'latin1');
  }

  sendData(bytes: Buffer, onWritten: () => void): void {
    if (this.#refusal !== undefined) this.#refusal.write(bytes, onWritten);
    else this.#socket.write(bytes, onWritten);
  }

  sendEnd(): void {
    this.#isEnded = true;
    if (this.#refusal !== undefined) this.#refusal.end();
    else this.#socket.end();
  }

  abort(): void {
    this.#isEnded = false;
    this.#reset(this.#socket);
  }

  /** An ordinary response, framed by Node; the connection ends with it. */
  #refuse(head: ResponseHead): void {
    // a first refusal that could not be sent on is followed by one of ours
    const response = this.#refusal ?? this.#newRefusal();
    writeHead(response, head);
    if (head.ended) this.sendEnd();
    else flushHead(response);
    this.#early = [];
    this.#socket.resume(); // to see the caller close
  }

  #newRefusal(): ServerResponse {
    const response = new ServerResponse(this.#request);
    this.#refusal = response;
    response.sendDate = false;
    response.shouldKeepAlive = false;
    response.on('error', () => undefined);
    response.on('finish', () => this.#linger());
    // the server's own way of giving a response its connection; the socket is the request's
    response.assignSocket(this.#request.socket);
    return response;
  }

  /** Ends a refused connection; a caller that does not end its side is not waited for. */
  #linger(): void {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    timer.unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  #closed(): void {
    const isComplete = this.#isEnded && this.#socket.writableFinished;
    this.onClose?.(isComplete);
    this.onClose = undefined;
  }
}
