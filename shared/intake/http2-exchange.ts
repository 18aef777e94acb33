/**
 * An HTTP/2 request of a caller as a CallerExchange, over Node's core stream API (not the compatibility
 * layer, which costs a third more).
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { constants } from 'node:http2';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { HeaderList } from '../http/header-list.js';
import { headerValue } from '../http/header-list.js';
import type { ResponseHead } from '../protocol/frame.js';
import type { BodySink, CallerExchange, ClientCertificate } from './caller-exchange.js';
import { clientCertificateOf } from './client-certificate.js';

/** What the `stream` event of an http2 server gives. */
export interface Http2Request {
  readonly stream: ServerHttp2Stream;
  readonly pseudo: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
}

/** One HTTP/2 stream of a caller. */
export class Http2Exchange implements CallerExchange {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
  readonly origin: string;
  readonly remoteAddress: string;
  readonly isUpgrade = false;
  readonly hasBody: boolean;
  onClose: ((complete: boolean) => void) | undefined;
  readonly #stream: ServerHttp2Stream;
  #requestTrailers: HeaderList = [];
  #responseTrailers: HeaderList = [];
  #isEnded = false;
  #isBrokenOff = false;
  #hasTrailersToSend = false;

  constructor({ stream, pseudo, rawHeaders }: Http2Request) {
    this.#stream = stream;
    this.method = pseudo[':method'] ?? '';
    this.target = pseudo[':path'] ?? '';
    const authority = pseudo[':authority'] ?? pseudo.host ?? '';
    this.headers = http1Headers(rawHeaders, authority);
    this.origin = `${pseudo[':scheme'] ?? 'https'}://${authority}`;
    this.remoteAddress = stream.session?.socket.remoteAddress ?? '';
    this.hasBody = !stream.endAfterHeaders;
    stream.on('error', () => undefined); // always followed by close
    // after a reset with NO_ERROR, Node would wait until all is read and written; one of its own is to leave first
    stream.on('aborted', () => setImmediate(() => stream.destroy()));
    stream.on('close', () => this.#closed());
    stream.on('finish', () => {
      if (!this.#hasTrailersToSend) this.#dropRequest();
    });
  }

  /** Whether it was us who ended the stream early. */
  get isBrokenOff(): boolean {
    return this.#isBrokenOff;
  }

  /** Whether nothing can be sent any more; what was sent may still be on its way. */
  get isClosed(): boolean {
    return this.#stream.closed;
  }

  clientCertificate(): ClientCertificate | undefined {
    const session = this.#stream.session;
    return session === undefined ? undefined : clientCertificateOf(session.socket);
  }

  startBody(sink: BodySink): void {
    this.#stream.on('data', (bytes: Buffer) => sink.onBody(bytes));
    this.#stream.on('trailers', (_trailers, _flags, raw?: string[]) => {
      this.#requestTrailers = raw ?? [];
    });
    this.#stream.on('end', () => {
      // Node emits it for a stream that was reset, too: by its caller, with its connection or by us. A whole
      // body whose stream is closed already was answered in full, or its caller has left
      if (!this.#stream.closed) sink.onBodyEnd(this.#requestTrailers);
    });
  }

  pauseBody(): void {
    // what a stream that is closed has left is little, and it is not gone before it is read
    if (!this.#stream.closed) this.#stream.pause();
  }

  resumeBody(): void {
    this.#stream.resume();
  }

  sendInformational(status: number, headers: HeaderList): void {
    if (this.#stream.headersSent || this.#stream.closed) return;
    this.#stream.additionalHeaders({ ...http2Headers(headers), ':status': status });
  }

  sendHead(head: ResponseHead): void {
    if (this.#stream.closed) return;
    const waitForTrailers = !head.ended && mayHaveTrailers(head.headers);
    this.#hasTrailersToSend = waitForTrailers;
    if (waitForTrailers) this.#stream.once('wantTrailers', () => this.#sendTrailers());
    this.#isEnded = head.ended;
    this.#stream.respond(
      { ...http2Headers(head.headers), ':status': head.status },
      // sendDate is understood by Node and missing from its types
      { endStream: head.ended, waitForTrailers, sendDate: false } as { endStream: boolean },
    );
  }

  sendData(bytes: Buffer, onWritten: () => void): void {
    this.#stream.write(bytes, onWritten);
  }

  sendEnd(trailers: HeaderList): void {
    this.#responseTrailers = trailers;
    this.#isEnded = true;
    this.#stream.end();
  }

  abort(): void {
    this.#isEnded = false;
    this.#isBrokenOff = true;
    // not close(): it sends END_STREAM before RST_STREAM, and a cut body looks whole (Node 20 to 24)
    this.#stream.destroy(new Error('broken off'));
  }

  /** Ends a stream that is closed and not gone, although nothing of it is left to be written. */
  end(): void {
    this.#stream.destroy();
  }

  #sendTrailers(): void {
    try {
      this.#stream.sendTrailers(http2Headers(this.#responseTrailers));
    } catch {
      // what HTTP/2 cannot carry (a pseudo-header, a connection's own): the response is not whole
      return this.abort();
    }
    setImmediate(() => this.#dropRequest()); // once they have left
  }

  /** The response is complete: a caller that still sends is asked to stop (RFC 9113 section 8.1). */
  #dropRequest(): void {
    const stream = this.#stream;
    if (stream.readableEnded || !this.hasBody) return;
    if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    stream.resume(); // it closes when what has come is read
  }

  #closed(): void {
    const isComplete = this.#isEnded && this.#stream.writableFinished && !this.#stream.aborted;
    this.onClose?.(isComplete);
    this.onClose = undefined;
  }
}

/** Trailers need not be announced; a response of a length that is known has none where it comes from. */
function mayHaveTrailers(headers: HeaderList): boolean {
  return (
    headerValue(headers, 'content-length') === undefined ||
    headerValue(headers, 'trailer') !== undefined
  );
}

/**
 * HTTP/2 fields as HTTP/1 has them: pseudo-headers dropped, Host from the authority, and the cookie
 * crumbs joined (RFC 9113 section 8.2.3).
 */
function http1Headers(raw: readonly string[], authority: string): HeaderList {
  const headers: HeaderList = ['Host', authority];
  const cookies: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const value = raw[i + 1] ?? '';
    if (name.startsWith(':') || name === 'host') continue;
    if (name === 'cookie') cookies.push(value);
    else headers.push(name, value);
  }
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '));
  return headers;
}

/**
 * A header list as the object that http2 takes: lower case, duplicates as arrays. Throws for what no header
 * may hold: nghttp2 would send it, and the next hop may speak HTTP/1.
 */
function http2Headers(headers: HeaderList): OutgoingHttpHeaders {
  const object: OutgoingHttpHeaders = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase();
    const value = headers[i + 1] ?? '';
    validateHeaderName(name);
    validateHeaderValue(name, value);
    const known = object[name];
    if (known === undefined) object[name] = value;
    else if (REPEATABLE.has(name)) object[name] = [known, value].flat().map(String);
    else object[name] = `${String(known)}, ${value}`; // Node refuses to repeat other fields
  }
  return object;
}

/** Fields whose values cannot be joined by a comma, or that often repeat. */
const REPEATABLE: ReadonlySet<string> = new Set([
  'set-cookie',
  'warning',
  'link',
  'www-authenticate',
]);
