/**
 * Hands accepted connections to grpc-js, and knows to which of them a call belongs. grpc-js tells a call the
 * address of its peer only, which two connections may share (one to each address of ours), and who an agent is
 * comes from the certificate of its connection.
 */
import type * as net from 'node:net';
import type { ServerHttp2Session } from 'node:http2';
import { ServerCredentials } from '@grpc/grpc-js';
import type { ConnectionInjector, Server } from '@grpc/grpc-js';
import type { Clock } from '../../shared/clock.js';
import { TunnelError } from '../../shared/errors.js';
import type { Log } from '../../shared/log.js';
import { AgentConnection } from './agent-connection.js';
import { logTransportRefusals, onHttp2Session, refuseCompression } from './grpc-server-http2.js';

/** How connections are kept. */
interface AgentConnectionsOptions {
  /** How long a connection may carry no call. */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The connections of a gRPC server that are accepted elsewhere. */
export class AgentConnections {
  readonly #options: AgentConnectionsOptions;
  readonly #injector: ConnectionInjector;
  /** Being handed over: its HTTP/2 session begins meanwhile. */
  #accepted: net.Socket | undefined;
  /** On which a call is just beginning: grpc-js calls its handler meanwhile. */
  #calling: AgentConnection | undefined;

  constructor(server: Server, options: AgentConnectionsOptions) {
    this.#options = options;
    this.#injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    onHttp2Session(server, (session) => this.#begun(session));
  }

  /** Takes a connection, after TLS where there is TLS. */
  accept(socket: net.Socket): void {
    socket.on('error', () => undefined); // followed by close
    this.#accepted = socket;
    try {
      this.#injector.injectConnection(socket);
    } finally {
      this.#accepted = undefined;
    }
  }

  /** In the handler of a call: its connection. Throws INTERNAL, and logs it, anywhere else. */
  ofCall(): AgentConnection {
    const connection = this.#calling;
    if (connection === undefined) throw this.#fault('a call outside the event of its stream');
    return connection;
  }

  #begun(session: ServerHttp2Session): void {
    const socket = this.#accepted;
    if (socket === undefined) {
      this.#fault('an HTTP/2 session outside the hand-over of its connection');
      return session.destroy();
    }
    const { clock, idleMs, log } = this.#options;
    const connection = new AgentConnection(socket, session, clock, idleMs);
    session.prependListener('stream', () => (this.#calling = connection));
    session.on('stream', () => (this.#calling = undefined));
    refuseCompression(session);
    logTransportRefusals(session, log);
  }

  /** When a newer Node or grpc-js does later what it does at once now, no agent gets in, and grpc-js tells nobody. */
  #fault(what: string): TunnelError {
    const err = new TunnelError('INTERNAL', what);
    this.#options.log.error({ err }, 'internal fault');
    return err;
  }
}
