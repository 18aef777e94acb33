/**
 * One request of a caller and the way back for its response, whatever HTTP version brought it.
 * Implemented by http1-exchange.ts, http2-exchange.ts and upgrade-exchange.ts; carried over the tunnel
 * by tunnel-exchange.ts.
 */
import type { X509Certificate } from 'node:crypto';
import type { TunnelError } from '../errors.js';
import type { HeaderList } from '../http/header-list.js';
import type { ResponseHead } from '../protocol/frame.js';

/** Gets the request body. */
export interface BodySink {
  onBody(bytes: Buffer): void;
  /** The whole body has come. Not called for one that was cut: `onClose` follows. */
  onBodyEnd(trailers: HeaderList): void;
  /** What came is no sound body; no more of it will come. HTTP/1 only, where the caller may still read. */
  onBodyFault(error: TunnelError): void;
}

/** A caller's client certificate as TLS saw it. */
export interface ClientCertificate {
  readonly certificate: X509Certificate;
  /** Why TLS does not trust it, or undefined when it does. */
  readonly refusal: string | undefined;
}

/** What can be answered: a request, or what never became one (broken-request.ts). */
export interface Answerable {
  /** Undefined when it could not be read. */
  readonly method: string | undefined;
  /** Raw request target; undefined when it could not be read. */
  readonly target: string | undefined;
  /** Request headers as received; for HTTP/2 without pseudo-headers and with Host. */
  readonly headers: HeaderList;
  readonly remoteAddress: string;

  /** The final head, or 101. */
  sendHead(head: ResponseHead): void;
  /** Body bytes; `onWritten` when they have left (or can no longer leave). */
  sendData(bytes: Buffer, onWritten: () => void): void;
  /** Completes the response. */
  sendEnd(trailers: HeaderList): void;
  /** Breaks the connection (HTTP/1) or stream (HTTP/2), so that what was sent does not look whole. */
  abort(): void;
  /**
   * Called once when the exchange is over: `complete` when the whole response has left, else the caller
   * has gone or `abort` was called.
   */
  onClose: ((complete: boolean) => void) | undefined;
}

/** One request and its response. */
export interface CallerExchange extends Answerable {
  readonly method: string;
  readonly target: string;
  /** `https://host:port` as the caller addressed us. */
  readonly origin: string;
  readonly isUpgrade: boolean;
  /** Whether a request body (or, after an upgrade, raw bytes) will come. */
  readonly hasBody: boolean;
  clientCertificate(): ClientCertificate | undefined;

  /** Starts the flow of the request body to the sink. */
  startBody(sink: BodySink): void;
  pauseBody(): void;
  resumeBody(): void;

  /** A 1xx head. */
  sendInformational(status: number, headers: HeaderList): void;
}
