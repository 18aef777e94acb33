/**
 * A port for callers: HTTPS with h2 and HTTP/1.1 by ALPN and HTTP/1.1 without ALPN (kubectl's upgrades
 * offer none), or plain HTTP/1.1. Gives each request that is sound to `onExchange`; refuses the others.
 * Who the caller is and where the request goes is not known here.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { TunnelError, nodeErrorCode } from '../errors.js';
import { listen } from '../http/listen.js';
import type { BoundAddress } from '../http/listen.js';
import { breakOnLostWrite } from '../http/break-on-lost-write.js';
import { setServerContext } from '../http/server-context.js';
import { LogField } from '../log.js';
import type { Log } from '../log.js';
import { Slots } from '../slots.js';
import { BrokenRequest, brokenRequestError } from './broken-request.js';
import type { Answerable, CallerExchange } from './caller-exchange.js';
import { CallerSockets, callerAddress } from './caller-sockets.js';
import { Http1Exchange } from './http1-exchange.js';
import { Http2Sessions } from './http2-sessions.js';
import { http1Fault, requestFault, upgradeFault } from './request-rules.js';
import { UpgradeExchange } from './upgrade-exchange.js';

/** Limits of a port for callers; a slice of the `limits` section of the configuration. */
export interface CallerLimits {
  readonly maxHeaderBytes: number;
  readonly maxTargetBytes: number;
  readonly callerIdleTimeoutMs: number;
  readonly callerHeadersTimeoutMs: number;
}

/** How a port for callers is set up. */
export interface CallerListenerOptions {
  readonly port: number;
  readonly bindAddress: string | undefined;
  /** For error texts: what the port is for, and the option that sets it. */
  readonly what: string;
  readonly option: string;
  /** Certificate, key and the CA of client certificates; undefined for plain HTTP. */
  readonly tls: SecureContextOptions | undefined;
  readonly limits: CallerLimits;
  readonly log: Log;
  onExchange(exchange: CallerExchange): void;
  /** Something that is no sound request: to be answered and reported. */
  onFault(exchange: Answerable, error: TunnelError): void;
}

/** A port that is open. */
export interface CallerListener {
  readonly address: BoundAddress;
  /** New handshakes use this certificate; connections live on. */
  setSecureContext(tls: SecureContextOptions): void;
  /** Takes no more connections and closes each one when it is idle; requests on open ones are served. */
  drain(): void;
  /** Breaks what is still open. */
  close(): Promise<void>;
}

const TCP_KEEPALIVE_MS = 30_000;
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/** Opens the port. Rejects with PORT_UNAVAILABLE. */
export async function startCallerListener(options: CallerListenerOptions): Promise<CallerListener> {
  const server = new CallerServer(options);
  await server.start();
  return server;
}

class CallerServer implements CallerListener {
  readonly #options: CallerListenerOptions;
  readonly #http1: http.Server | https.Server;
  readonly #http2: Http2Sessions | undefined;
  readonly #sockets = new CallerSockets();
  /** Connections that end with an answer under way: what comes behind it is not served (RFC 9112 section 9.6). */
  readonly #ending = new WeakSet<Duplex>();
  /** HTTP/1 exchanges under way. */
  readonly #exchanges = new Slots<Http1Exchange>();
  #isDraining = false;
  #address: BoundAddress = { address: '', port: 0 };

  constructor(options: CallerListenerOptions) {
    this.#options = options;
    this.#http1 = options.tls === undefined ? this.#plainServer() : this.#tlsServer(options.tls);
    this.#http2 =
      options.tls === undefined
        ? undefined
        : new Http2Sessions(options.limits, options.log, (exchange) =>
            this.#hand(exchange, this.#fault(exchange)),
          );
    this.#serveHttp1(this.#http1);
  }

  get address(): BoundAddress {
    return this.#address;
  }

  async start(): Promise<void> {
    const { port, bindAddress: host, what, option } = this.#options;
    this.#address = await listen(this.#http1, { port, host, what, option });
  }

  setSecureContext(tls: SecureContextOptions): void {
    if (this.#http1 instanceof https.Server) setServerContext(this.#http1, tls);
  }

  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#http1.close();
    this.#http1.closeIdleConnections();
    // those whose head has not left yet can still say that the connection ends with them
    for (const exchange of this.#exchanges) exchange.endConnection();
    this.#http2?.drain();
  }

  async close(): Promise<void> {
    this.drain();
    this.#http2?.destroy();
    this.#sockets.destroyAll();
    await new Promise((resolve) => setImmediate(resolve));
  }

  // ---- servers ----------------------------------------------------------------------------------

  #plainServer(): http.Server {
    return http.createServer(this.#http1Options());
  }

  #tlsServer(tls: SecureContextOptions): https.Server {
    const server = https.createServer({
      ...this.#http1Options(),
      ...tls,
      ALPNProtocols: ['h2', 'http/1.1'],
      minVersion: 'TLSv1.2',
      // optional, and refused with a readable answer instead of a broken handshake
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
      // passed on to net.Server, though the types do not know it: half-close of upgraded connections
      ...{ allowHalfOpen: true },
    });
    setServerContext(server, tls);
    // https.Server's own handler speaks HTTP/1; what negotiated h2 goes to the http2 server instead
    const [toHttp1] = server.listeners('secureConnection');
    server.removeAllListeners('secureConnection');
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') {
        socket.allowHalfOpen = false; // a caller that ends its side has left
        breakOnLostWrite(socket);
        this.#http2?.accept(socket);
      } else toHttp1?.call(server, socket);
    });
    // https.Server's own handler would report it as the error of a request
    server.removeAllListeners('tlsClientError');
    server.on('tlsClientError', (reason, socket) => this.#handshakeFailed(reason, socket));
    return server;
  }

  #http1Options(): http.ServerOptions {
    const { limits } = this.#options;
    return {
      maxHeaderSize: limits.maxHeaderBytes + limits.maxTargetBytes,
      headersTimeout: limits.callerHeadersTimeoutMs,
      requireHostHeader: false, // request-rules.ts says it in words
      requestTimeout: 0, // uploads may take as long as they move
      keepAliveTimeout: limits.callerIdleTimeoutMs,
      connectionsCheckingInterval: 1000,
      keepAlive: true, // finds callers whose machine has gone without a word
      keepAliveInitialDelay: TCP_KEEPALIVE_MS,
      noDelay: true,
    };
  }

  #serveHttp1(server: http.Server | https.Server): void {
    server.maxHeadersCount = 0; // counted by request-rules.ts; Node would drop the rest silently
    server.on('connection', (socket: Socket) => this.#sockets.add(socket));
    const secure = server instanceof https.Server ? 'secureConnection' : 'connection';
    server.on(secure, (socket: Socket) => socket.setMaxListeners(0)); // one per pipelined request
    const reset = (socket: Duplex): void => this.#sockets.reset(socket);
    const connection = { reset, last: (socket: Socket) => void this.#ending.add(socket) };
    const onRequest = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      // read, or its caller's leaving would not be seen while the last answer goes out
      if (this.#ending.has(request.socket)) return void request.resume();
      const exchange = new Http1Exchange(request, response, connection);
      this.#keep(response, exchange);
      const fault = http1Fault(request) ?? this.#fault(exchange);
      // whoever sends what is no sound request may mean something else by what follows, too
      const isDubious = fault?.code === 'REQUEST_INVALID';
      if (this.#isDraining || isDubious) exchange.endConnection();
      this.#hand(exchange, fault);
    };
    server.on('request', onRequest);
    // forwarded with its Expect header; the 100 comes from the target
    server.on('checkContinue', onRequest);
    server.on('checkExpectation', onRequest);
    const onSwitch = (request: http.IncomingMessage, socket: Duplex, head: Buffer): void => {
      if (this.#ending.has(socket)) return void socket.on('error', () => undefined);
      // behind requests that are not answered yet, its bytes would be mixed with their responses
      if (responseOn(socket) !== undefined) return this.#refuseBehindAnother(request, socket);
      const exchange = new UpgradeExchange(request, socket, head, reset);
      this.#hand(exchange, http1Fault(request) ?? this.#fault(exchange) ?? upgradeFault(request));
    };
    server.on('upgrade', onSwitch);
    server.on('connect', onSwitch);
    server.on('clientError', (reason: Error, socket: Duplex) => this.#broken(reason, socket));
  }

  // ---- what is no request -----------------------------------------------------------------------

  /** May be called again for the same connection: Node complains of each packet that follows. */
  #broken(reason: Error, socket: Duplex): void {
    if (socket.writableEnded && !socket.destroyed) return; // answered
    const isGone = !socket.writable || nodeErrorCode(reason) === 'ECONNRESET';
    if (isGone || hasSaidNothing(socket)) {
      socket.destroy();
      return;
    }
    const error = brokenRequestError(reason);
    const response = responseOn(socket);
    const exchange = response?.req.complete === false ? this.#exchangeOf(response) : undefined;
    if (exchange !== undefined) return exchange.breakBody(error);
    const isBehindAnother = response?.headersSent === true;
    const reset = (broken: Duplex): void => this.#sockets.reset(broken);
    this.#options.onFault(new BrokenRequest(socket, { isBehindAnother, reset }), error);
  }

  #exchangeOf(response: http.ServerResponse): Http1Exchange | undefined {
    for (const exchange of this.#exchanges) if (exchange.isAnsweredBy(response)) return exchange;
    return undefined;
  }

  #refuseBehindAnother(request: http.IncomingMessage, socket: Duplex): void {
    const broken = new BrokenRequest(socket, {
      method: request.method,
      target: request.url,
      headers: request.rawHeaders,
      isBehindAnother: true,
      reset: (connection) => this.#sockets.reset(connection),
    });
    const text =
      'a switch of protocols cannot follow a request that is not answered yet (pipelining)';
    this.#options.onFault(broken, new TunnelError('REQUEST_INVALID', text));
  }

  /** Nothing can be answered: the caller speaks no TLS, or does not trust us. */
  #handshakeFailed(reason: Error, socket: TLSSocket): void {
    const line = { [LogField.callerAddress]: callerAddress(socket), err: reason };
    this.#options.log.debug(line, `TLS handshake at the port for ${this.#options.what} failed`);
    socket.destroy();
  }

  // ---- requests ---------------------------------------------------------------------------------

  #keep(response: http.ServerResponse, exchange: Http1Exchange): void {
    const slot = this.#exchanges.add(exchange);
    response.on('close', () => {
      this.#exchanges.remove(slot);
      // its head had promised to keep the connection
      if (this.#isDraining) setImmediate(() => this.#http1.closeIdleConnections());
    });
  }

  #fault(exchange: CallerExchange): TunnelError | undefined {
    return requestFault(exchange, this.#options.limits);
  }

  #hand(exchange: CallerExchange, fault: TunnelError | undefined): void {
    if (fault === undefined) this.#options.onExchange(exchange);
    else this.#options.onFault(exchange, fault);
  }
}

/** A connection that was opened and not used ends without a word; there was no request. */
function hasSaidNothing(socket: Duplex): boolean {
  return (socket as { bytesRead?: number }).bytesRead === 0;
}

/** The response whose turn it is on a connection, if one is not finished. */
function responseOn(socket: Duplex): http.ServerResponse | undefined {
  // private, and what Node's own handler of client errors looks at
  const { _httpMessage: response } = socket as { _httpMessage?: http.ServerResponse | null };
  return response ?? undefined;
}
