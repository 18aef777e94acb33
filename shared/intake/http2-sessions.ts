/**
 * The HTTP/2 side of a port for callers: takes connections that negotiated h2, gives each stream as an
 * exchange, closes connections that are idle, and drains them without refusing a stream.
 */
import * as http2 from 'node:http2';
import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { PROTOCOL_LIMITS } from '../protocol/frame.js';
import { Http2Exchange } from './http2-exchange.js';

/** Limits of HTTP/2 connections. */
export interface Http2Limits {
  readonly maxHeaderBytes: number;
  readonly maxTargetBytes: number;
  readonly callerIdleTimeoutMs: number;
}

/** HTTP/2 streams of one caller connection; Go's client (kubectl) opens as many as it is told. */
const MAX_CALLER_STREAMS = 250;
/** Credit for uploads over HTTP/2, per stream and per connection. */
const H2_STREAM_WINDOW_BYTES = 256 * 1024;
const H2_CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;

/** All HTTP/2 connections of one port. */
export class Http2Sessions {
  readonly #server: http2.Http2Server;
  /** Open streams by session. */
  readonly #sessions = new Map<Http2Session, number>();
  readonly #idleTimeoutMs: number;
  #isDraining = false;

  constructor(limits: Http2Limits, onExchange: (exchange: Http2Exchange) => void) {
    this.#idleTimeoutMs = limits.callerIdleTimeoutMs;
    this.#server = http2.createServer({
      settings: {
        maxConcurrentStreams: MAX_CALLER_STREAMS,
        initialWindowSize: H2_STREAM_WINDOW_BYTES,
        // beyond these Node breaks the stream; request-rules.ts answers what is over our own limits
        maxHeaderListSize: 2 * (limits.maxHeaderBytes + limits.maxTargetBytes),
        enablePush: false,
      },
      maxHeaderListPairs: 2 * PROTOCOL_LIMITS.maxHeaderCount,
    });
    this.#server.on('session', (session) => this.#opened(session));
    const onStream = (
      stream: http2.ServerHttp2Stream,
      pseudo: http2.IncomingHttpHeaders,
      _flags: number,
      rawHeaders: string[],
    ): void => {
      if (stream.session !== undefined) this.#count(stream.session, stream);
      onExchange(new Http2Exchange({ stream, pseudo, rawHeaders }));
    };
    this.#server.on('stream', onStream);
  }

  /** Takes a connection that negotiated h2. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  /** GOAWAY with the true last stream: open streams finish, none is refused. */
  drain(): void {
    this.#isDraining = true;
    for (const session of this.#sessions.keys()) session.close();
  }

  /** Breaks what is still open. */
  destroy(): void {
    for (const [session, open] of this.#sessions) {
      // without an error, Node would end the open streams as if they were complete
      session.destroy(open > 0 ? new Error('broken off') : undefined);
    }
  }

  #opened(session: Http2Session): void {
    this.#sessions.set(session, 0);
    session.setLocalWindowSize(H2_CONNECTION_WINDOW_BYTES);
    session.on('close', () => this.#sessions.delete(session));
    session.on('error', () => undefined); // followed by close
    // silence in the middle of a stream is a quiet watch; without streams it is an idle connection
    session.setTimeout(this.#idleTimeoutMs, () => {
      if (this.#sessions.get(session) === 0) session.close();
    });
    if (this.#isDraining) session.close();
  }

  #count(session: Http2Session, stream: http2.ServerHttp2Stream): void {
    this.#sessions.set(session, (this.#sessions.get(session) ?? 0) + 1);
    stream.on('close', () => {
      const open = this.#sessions.get(session);
      if (open !== undefined) this.#sessions.set(session, open - 1);
    });
  }
}
