/**
 * The listening side of a demo server: h2 and HTTP/1.1 by ALPN and HTTP/1.1 without ALPN on one
 * TLS port, or plain HTTP/1.1; every socket is tracked so that closing ends all of them.
 * Used by the Kubernetes API and by Jenkins; what is answered is left to them.
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Server as TlsServer, TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';

/** Called for each request of either HTTP version. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Called for each HTTP/1.1 request that asks for an upgrade; `head` came with the request. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Plain HTTP when absent. */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly clientCa?: string;
    /** End the handshake of callers without an accepted certificate instead of letting HTTP decide. */
    readonly requiresCertificate?: boolean;
  };
  /** Streams that one h2 connection may have open (SETTINGS_MAX_CONCURRENT_STREAMS). */
  readonly maxStreams: number;
  readonly onRequest: RequestHandler;
  readonly onUpgrade: UpgradeHandler;
  readonly onContinue?: RequestHandler;
}

/** A listening server. */
export interface Listener {
  readonly port: number;
  /** TCP connections that are open now. */
  openSockets(): number;
  /** Stops listening and destroys every connection. */
  close(): Promise<void>;
}

/** Starts listening. Rejects when the address is taken. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const http = createHttp1(options);
  const server = options.tls === undefined ? http : createTls(options, http);
  const sockets = trackSockets(server);
  server.listen(options.port, options.host);
  await once(server, 'listening');
  // A TCP server that listens has an AddressInfo, never a pipe name.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    openSockets: () => sockets.size,
    close: async () => {
      const ended = [once(server, 'close'), ...[...sockets].map((socket) => once(socket, 'close'))];
      server.close();
      for (const socket of sockets) socket.destroy();
      await Promise.all(ended);
    },
  };
}

function createHttp1(options: ListenerOptions): HttpServer {
  const http = createHttpServer(options.onRequest);
  http.requestTimeout = 0; // watches and uploads may take as long as they need
  http.keepAliveTimeout = 90_000; // the apiserver's idle timeout
  http.on('upgrade', options.onUpgrade);
  if (options.onContinue !== undefined) http.on('checkContinue', options.onContinue);
  http.on('clientError', (_error, socket) => {
    socket.destroy();
  });
  return http;
}

function createTls(options: ListenerOptions, http: HttpServer): TlsServer {
  const http2 = createHttp2Server({ settings: { maxConcurrentStreams: options.maxStreams } });
  http2.on('request', (request, response) => {
    // The compatibility API of node:http2 is made to be used as the http one.
    options.onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
  http2.on('sessionError', () => undefined); // a broken connection is the caller's affair
  const { key, cert, clientCa, requiresCertificate = false } = options.tls ?? { key: '', cert: '' };
  const tls = createTlsServer({
    key,
    cert,
    ALPNProtocols: ['h2', 'http/1.1'],
    allowHalfOpen: true, // an upgraded connection may be closed one side at a time
    ...(clientCa === undefined
      ? {}
      : { ca: clientCa, requestCert: true, rejectUnauthorized: requiresCertificate }),
  });
  tls.on('secureConnection', (socket: TLSSocket) => {
    // a caller of HTTP/2 that ends its side is gone, and so are its watches
    if (socket.alpnProtocol === 'h2') socket.once('end', () => socket.destroy());
    (socket.alpnProtocol === 'h2' ? http2 : http).emit('connection', socket);
  });
  tls.on('tlsClientError', (_error, socket) => {
    socket.destroy();
  });
  return tls;
}

function trackSockets(server: HttpServer | TlsServer): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}
