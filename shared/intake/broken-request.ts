/**
 * What never became a request: bytes that are not HTTP, heads over the limit or too slow. Found by
 * caller-listener.ts; refused, answered and reported (exchange-report.ts) as a request is. The connection
 * ends with the answer.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TunnelError, nodeErrorCode } from '../errors.js';
import { headerLines } from '../http/header-list.js';
import type { HeaderList } from '../http/header-list.js';
import type { ResponseHead } from '../protocol/frame.js';
import type { Answerable } from './caller-exchange.js';

/** What Node's server says of the bytes of a caller, as an error of the catalogue. */
export function brokenRequestError(cause: Error): TunnelError {
  switch (nodeErrorCode(cause)) {
    case 'HPE_HEADER_OVERFLOW': // head or trailers
      return new TunnelError(
        'HEADERS_TOO_LARGE',
        'the request head is over the limit (limits.maxHeaderBytes, limits.maxTargetBytes)',
        { cause },
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new TunnelError('BODY_TOO_LARGE', 'the chunk extensions are over the limit', {
        cause,
      });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new TunnelError(
        'REQUEST_TIMEOUT',
        'the request head did not arrive in time (limits.callerHeadersTimeoutMs)',
        { cause },
      );
    case 'HPE_INVALID_EOF_STATE': // its sending side ended, it may still read
      return new TunnelError('CALLER_LEFT', 'the connection ended in the middle of the request', {
        cause,
      });
    default: // the parser has a code for each rule of HTTP
      return new TunnelError(
        'REQUEST_INVALID',
        'the request is not sound HTTP/1.1 (framing, header or start line); it was not forwarded',
        { cause },
      );
  }
}

/** What is known of a broken request: nothing but its sender when its head could not be read. */
export interface BrokenRequestFacts {
  readonly method?: string | undefined;
  readonly target?: string | undefined;
  readonly headers?: HeaderList;
  /** An earlier request on the connection is being answered: another answer would become part of that one. */
  readonly isBehindAnother: boolean;
  /** Breaks a connection. */
  reset(socket: Duplex): void;
}

/** How long a sender may go on before the connection is broken. */
const LINGER_MS = 1000;

/** A connection on which no request can be read any more. It must be open. */
export class BrokenRequest implements Answerable {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly headers: HeaderList;
  readonly remoteAddress: string;
  onClose: ((complete: boolean) => void) | undefined;
  readonly #socket: Duplex;
  readonly #isBehindAnother: boolean;
  readonly #reset: (socket: Duplex) => void;

  constructor(socket: Duplex, facts: BrokenRequestFacts) {
    const { method, target, headers = [], isBehindAnother, reset } = facts;
    this.method = method;
    this.target = target;
    this.headers = headers;
    // a socket, though the types of Node's events promise no more than a Duplex
    this.remoteAddress = (socket as { remoteAddress?: string }).remoteAddress ?? '';
    this.#socket = socket;
    this.#isBehindAnother = isBehindAnother;
    this.#reset = reset;
    socket.on('error', () => undefined); // always followed by close
    if (!isBehindAnother) socket.on('finish', () => this.#over(true));
    socket.on('close', () => this.#over(false));
  }

  sendHead({ status, headers, ended }: ResponseHead): void {
    if (this.#isBehindAnother) return this.abort();
    const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
    this.#socket.write(`${line}\r\nConnection: close\r\n${headerLines(headers)}\r\n`, 'latin1');
    if (ended) this.sendEnd();
  }

  sendData(bytes: Buffer, onWritten: () => void): void {
    if (!this.#isBehindAnother) this.#socket.write(bytes, onWritten);
  }

  sendEnd(): void {
    if (this.#isBehindAnother) return;
    this.#socket.end();
    this.#linger();
  }

  abort(): void {
    this.#reset(this.#socket);
  }

  #over(complete: boolean): void {
    this.onClose?.(complete);
    this.onClose = undefined;
  }

  /** Closing with unread bytes would reset the connection, and the answer would be lost with it. */
  #linger(): void {
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    timer.unref();
    this.#socket.on('end', () => this.#socket.destroy());
    this.#socket.on('close', () => clearTimeout(timer));
    this.#socket.resume();
  }
}
