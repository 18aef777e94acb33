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
import type { TunnelError } from '../errors.js';
import { listen } from '../http/listen.js';
import type { BoundAddress } from '../http/listen.js';
import { setServerContext } from '../http/server-context.js';
import type { Log } from '../log.js';
import { Slots } from '../slots.js';
import { answerBrokenRequest } from './broken-request.js';
import type { CallerExchange } from './caller-exchange.js';
import { CallerSockets } from './caller-sockets.js';
import { Http1Exchange, hasRequestBody } from './http1-exchange.js';
import { Http2Sessions } from './http2-sessions.js';
import { http1Fault, requestFault } from './request-rules.js';
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
  /** A request that could not be handed over; it has been answered by `answer`. */
  onFault(exchange: CallerExchange, error: TunnelError): void;
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
  /** HTTP/1 responses under way. */
  readonly #responses = new Slots<http.ServerResponse>();
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
    for (const response of this.#responses) response.shouldKeepAlive = false;
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
        this.#http2?.accept(socket);
      } else toHttp1?.call(server, socket);
    });
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
    const broken = (socket: Duplex, cause: Error | string): void => {
      // an answer of ours in the middle of a response would be read as part of its body
      if (responseOn(socket)?.headersSent === true) reset(socket);
      else answerBrokenRequest(socket, cause);
    };
    const onRequest = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#keep(response);
      const exchange = new Http1Exchange(request, response, reset);
      const fault = http1Fault(request) ?? this.#fault(exchange);
      // whoever sends what is no sound request may mean something else by what follows, too
      const isDubious = fault?.code === 'REQUEST_INVALID';
      if (this.#isDraining || isDubious) response.shouldKeepAlive = false;
      this.#hand(exchange, fault);
    };
    server.on('request', onRequest);
    // forwarded with its Expect header; the 100 comes from the target
    server.on('checkContinue', onRequest);
    server.on('checkExpectation', onRequest);
    server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
      // behind requests that are not answered yet, its bytes would be mixed with their responses
      if (responseOn(socket) !== undefined) return reset(socket);
      if (hasRequestBody(request)) return broken(socket, 'upgrade-with-body');
      const exchange = new UpgradeExchange(request, socket, head, reset);
      this.#hand(exchange, http1Fault(request) ?? this.#fault(exchange));
    });
    server.on('connect', (_request: http.IncomingMessage, socket: Duplex) => {
      broken(socket, 'connect');
    });
    server.on('clientError', (reason: Error, socket: Duplex) => broken(socket, reason));
  }

  #keep(response: http.ServerResponse): void {
    const slot = this.#responses.add(response);
    response.on('close', () => {
      this.#responses.remove(slot);
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

/** The response whose turn it is on a connection, if one is not finished. */
function responseOn(socket: Duplex): http.ServerResponse | undefined {
  // private, and what Node's own handler of client errors looks at
  const { _httpMessage: response } = socket as { _httpMessage?: http.ServerResponse | null };
  return response ?? undefined;
}
