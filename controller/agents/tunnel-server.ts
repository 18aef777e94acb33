/**
 * The port that agents dial (9001): TLS with a client certificate, gRPC on top, one Connect call per
 * session. TLS is ours and the connection is then handed to grpc-js, so that a refused certificate gets
 * a reason in the tunnel's own words, and a renewed server certificate needs no restart.
 */
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { Server } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock.js';
import { listen } from '../../shared/http/listen.js';
import type { BoundAddress } from '../../shared/http/listen.js';
import { breakOnLostWrite } from '../../shared/http/break-on-lost-write.js';
import { setServerContext } from '../../shared/http/server-context.js';
import { LogField } from '../../shared/log.js';
import type { Log } from '../../shared/log.js';
import { PROTOCOL_LIMITS } from '../../shared/protocol/frame.js';
import { TUNNEL_SERVICE } from '../../shared/protocol/tunnel-rpc.js';
import { AcceptQueue } from './accept-queue.js';
import type { AgentCall, AgentConnection } from './agent-connection.js';
import { AgentConnections } from './agent-connections.js';

/** How the port for agents is set up. */
export interface TunnelServerOptions {
  readonly port: number;
  readonly bindAddress: string | undefined;
  /** Certificate, key and CA; undefined when an ingress in front ends TLS. */
  readonly tls: SecureContextOptions | undefined;
  /** How long a connection may wait until it is served, and then carry no call. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  onCall(call: AgentCall, connection: AgentConnection): void;
}

/** The open port. */
export interface TunnelServer {
  readonly address: BoundAddress;
  setSecureContext(tls: SecureContextOptions): void;
  /** Takes no more connections. */
  stopListening(): void;
  /** Breaks what is still open. */
  close(): void;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Transport keepalive, besides our heartbeats: ends connections whose process is frozen or gone. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** Calls on one connection: what ends one by force ends the connection. */
const MAX_CALLS_PER_CONNECTION = 1;

/** Opens the port. Rejects with PORT_UNAVAILABLE, or INTERNAL when this grpc-js cannot be used. */
export async function startTunnelServer(options: TunnelServerOptions): Promise<TunnelServer> {
  const server = createGrpcServer();
  const { port, bindAddress: host, connectTimeoutMs, clock, log } = options;
  const connections = new AgentConnections(server, { idleMs: connectTimeoutMs, clock, log });
  server.addService(TUNNEL_SERVICE, {
    Connect: (call: AgentCall) => {
      const connection = connections.ofCall();
      connection.callOpened(call);
      options.onCall(call, connection);
    },
  });
  const tlsServer = createTlsServer(options, (socket) => connections.accept(socket));
  const queue = new AcceptQueue({
    maxWaitMs: connectTimeoutMs,
    clock,
    begin: (socket) => {
      if (tlsServer === undefined) connections.accept(socket);
      else tlsServer.emit('connection', socket);
    },
    onClosed: (count) =>
      log.debug({ [LogField.count]: count }, 'connections of agents closed before their turn'),
  });
  const sockets = new Set<net.Socket>();
  const listener = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    queue.add(socket);
  });
  const address = await listen(listener, { port, host, what: 'agents', option: 'agentListenPort' });
  return {
    address,
    setSecureContext: (secure) => {
      if (tlsServer !== undefined) setServerContext(tlsServer, secure);
    },
    stopListening: () => {
      listener.close();
      queue.close();
    },
    close: () => {
      listener.close();
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function createGrpcServer(): Server {
  return new Server({
    'grpc.max_receive_message_length': PROTOCOL_LIMITS.maxBatchBytes,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': MAX_CALLS_PER_CONNECTION,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_channelz': 0,
  });
}

/** For connections that are accepted elsewhere; undefined when an ingress in front ends TLS. */
function createTlsServer(
  { tls: secure, log }: TunnelServerOptions,
  onReady: (socket: net.Socket) => void,
): tls.Server | undefined {
  if (secure === undefined) return undefined;
  const server = tls.createServer({
    ...secure,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.2',
    requestCert: true,
    rejectUnauthorized: false, // agent-auth.ts refuses with a reason
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  setServerContext(server, secure);
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') return void socket.destroy(); // not gRPC
    breakOnLostWrite(socket);
    onReady(socket);
  });
  server.on('tlsClientError', (reason, socket) => {
    log.debug({ err: reason, remoteAddress: socket.remoteAddress }, 'agent TLS failed');
  });
  return server;
}
