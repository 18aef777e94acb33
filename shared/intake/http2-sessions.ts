/**
 * The HTTP/2 side of a port for callers: takes connections that negotiated h2, gives each stream as an
 * exchange, closes connections that are idle, and drains them without refusing a stream.
 */
import * as http2 from 'node:http2';
import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { LogField } from '../log.js';
import type { Log } from '../log.js';
import { PROTOCOL_LIMITS } from '../protocol/frame.js';
import { Slots } from '../slots.js';
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

/** Streams of one connection that its caller may break off within a while; below nghttp2's own 1000. */
const MAX_ABORTED_STREAMS = 500;
const ABORTED_WITHIN_MS = 30_000;

/** Between two looks at streams that are closed and not gone. */
export const CLOSED_STREAM_LOOK_MS = 30_000;

/** What is known of one connection. */
interface SessionFacts {
  readonly remoteAddress: string | undefined;
  /** Of streams that are not gone. */
  readonly exchanges: Slots<Http2Exchange>;
  /** Streams broken off since `countedFrom`, ms. */
  aborted: number;
  countedFrom: number;
  /** Runs while no stream is open. */
  idle: NodeJS.Timeout | undefined;
}

/** All HTTP/2 connections of one port. */
export class Http2Sessions {
  readonly #server: http2.Http2Server;
  readonly #sessions = new Map<Http2Session, SessionFacts>();
  readonly #idleTimeoutMs: number;
  readonly #log: Log;
  #isDraining = false;

  constructor(limits: Http2Limits, log: Log, onExchange: (exchange: Http2Exchange) => void) {
    this.#idleTimeoutMs = limits.callerIdleTimeoutMs;
    this.#log = log;
    this.#server = http2.createServer({
      settings: {
        maxConcurrentStreams: MAX_CALLER_STREAMS,
        initialWindowSize: H2_STREAM_WINDOW_BYTES,
        // beyond these Node breaks the stream; request-rules.ts answers what is over our own limits
        maxHeaderListSize: 2 * (limits.maxHeaderBytes + limits.maxTargetBytes),
        enablePush: false,
      },
      maxHeaderListPairs: 2 * PROTOCOL_LIMITS.maxHeaderCount,
      // nghttp2 counts what a head could take at worst, and sends no more than 64 KiB by itself
      maxSendHeaderBlockLength: 2 * PROTOCOL_LIMITS.maxHeadBytes,
    });
    this.#server.on('session', (session) => this.#opened(session));
    const onStream = (
      stream: http2.ServerHttp2Stream,
      pseudo: http2.IncomingHttpHeaders,
      _flags: number,
      rawHeaders: string[],
    ): void => {
      const exchange = new Http2Exchange({ stream, pseudo, rawHeaders });
      if (stream.session !== undefined) this.#count(stream.session, stream, exchange);
      onExchange(exchange);
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
    for (const [session, { exchanges }] of this.#sessions) {
      // without an error, Node would end the open streams as if they were complete
      session.destroy(exchanges.size > 0 ? new Error('broken off') : undefined);
    }
  }

  #opened(session: Http2Session): void {
    const { remoteAddress } = session.socket;
    const facts: SessionFacts = {
      remoteAddress,
      exchanges: new Slots(),
      aborted: 0,
      countedFrom: 0,
      idle: undefined,
    };
    this.#sessions.set(session, facts);
    session.setLocalWindowSize(H2_CONNECTION_WINDOW_BYTES);
    const look = setInterval(() => this.#endClosed(session, facts), CLOSED_STREAM_LOOK_MS).unref();
    session.on('close', () => {
      clearInterval(look);
      clearTimeout(facts.idle);
      this.#sessions.delete(session);
    });
    session.on('error', (reason: NodeJS.ErrnoException) => {
      // followed by close; a connection that merely broke is no news
      if (reason.code?.startsWith('ERR_HTTP2') !== true) return;
      this.#logBroken(facts, reason.message);
    });
    this.#waitIdle(session, facts);
    if (this.#isDraining) session.close();
  }

  /**
   * Silence in the middle of a stream is a quiet watch; without streams it is an idle connection, whatever
   * frames come. Node leaves a connection open whose peer broke the protocol: it ends here, too.
   */
  #waitIdle(session: Http2Session, facts: SessionFacts): void {
    facts.idle = setTimeout(() => session.destroy(), this.#idleTimeoutMs).unref();
  }

  /**
   * Node waits for ever for the bytes of a response that was handed over and whose caller reset its stream with
   * NO_ERROR (Node 20 and 22). Those of a slow caller are still to be written: it answers a ping when it has
   * read them, and then there is nothing left to end.
   */
  #endClosed(session: Http2Session, { exchanges }: SessionFacts): void {
    const closed = [...exchanges].filter(({ isClosed }) => isClosed);
    if (closed.length === 0 || session.destroyed) return;
    session.ping(() => {
      for (const exchange of closed) exchange.end();
    });
  }

  #count(session: Http2Session, stream: http2.ServerHttp2Stream, exchange: Http2Exchange): void {
    const facts = this.#sessions.get(session);
    if (facts === undefined) return;
    const slot = facts.exchanges.add(exchange);
    clearTimeout(facts.idle);
    stream.on('close', () => {
      facts.exchanges.remove(slot);
      if (stream.aborted && !exchange.isBrokenOff) this.#countAborted(session, facts);
      if (facts.exchanges.size === 0 && !session.destroyed) this.#waitIdle(session, facts);
    });
  }

  /**
   * Rapid reset (CVE-2023-44487): each open stream costs us more than it costs its sender. The connection
   * takes no more streams and ends with those that are open, so that an honest proxy of many callers only
   * connects anew. nghttp2 has a bound as well, at which Node 20 sends GOAWAY and keeps the dead connection.
   */
  #countAborted(session: Http2Session, facts: SessionFacts): void {
    const now = performance.now();
    if (now - facts.countedFrom > ABORTED_WITHIN_MS) {
      facts.countedFrom = now;
      facts.aborted = 0;
    }
    if (++facts.aborted <= MAX_ABORTED_STREAMS || session.closed || session.destroyed) return;
    const reason = `${MAX_ABORTED_STREAMS} streams broken off within ${ABORTED_WITHIN_MS / 1000} s`;
    this.#logBroken(facts, reason);
    session.close();
  }

  #logBroken({ remoteAddress }: SessionFacts, reason: string): void {
    const line = { [LogField.remoteAddress]: remoteAddress, reason };
    this.#log.info(line, 'caller broke HTTP/2; its connection is closed');
  }
}
