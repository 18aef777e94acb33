/**
 * One connection to the port for agents. It is there to carry a call: one that carries none for a while,
 * because its peer never opened one or does not hang up after the last, is closed. Until the agent on it is
 * known, it takes no more than HTTP/2's own 64 KiB at a time; after the call of an agent there is no other.
 */
import type { ServerHttp2Session } from 'node:http2';
import type * as net from 'node:net';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Clock, Timer } from '../../shared/clock.js';
import type { ClientCertificate } from '../../shared/intake/caller-exchange.js';
import { clientCertificateOf } from '../../shared/intake/client-certificate.js';
import { raiseWindows } from './grpc-server-http2.js';

/** How long the peer may take to end a call that is over. */
export const CALL_END_MS = 500;

/** A call of an agent. */
export type AgentCall = ServerDuplexStream<Buffer, Buffer>;

/** What the connection tells of the agent. */
interface AgentPeer {
  /** `address:port`. */
  readonly remoteAddress: string;
  /** Undefined when the connection carried none. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** An accepted connection, after TLS where there is TLS. */
export class AgentConnection {
  readonly peer: AgentPeer;
  readonly #socket: net.Socket;
  readonly #http2: ServerHttp2Session;
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #calls = new Set<AgentCall>();
  #isTrusted = false;
  #idle: Timer | undefined;

  /** `http2`: what has begun on it; `idleMs`: how long it may carry no call. */
  constructor(socket: net.Socket, http2: ServerHttp2Session, clock: Clock, idleMs: number) {
    this.#socket = socket;
    this.#http2 = http2;
    this.#clock = clock;
    this.#idleMs = idleMs;
    const remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.peer = { remoteAddress, clientCertificate: clientCertificateOf(socket) };
    socket.on('close', () => this.#idle?.cancel());
    this.#wait();
  }

  /** A call has begun on it. */
  callOpened(call: AgentCall): void {
    this.#calls.add(call);
    this.#idle?.cancel();
    // emitted however it ends
    call.once('cancelled', () => {
      this.#calls.delete(call);
      if (this.#socket.destroyed) return;
      // its windows are large, and whoever calls next over an ingress may be a stranger
      if (this.#isTrusted) this.#http2.close();
      if (this.#calls.size === 0) this.#wait();
    });
  }

  /** The agent is known: bulk over long links needs large windows. It is the last call of the connection. */
  trusted(): void {
    this.#isTrusted = true;
    raiseWindows(this.#http2);
  }

  /**
   * Ends a call by force, unless the peer ends it in a moment. The connection goes with it, which carries one:
   * `destroy` of a server's call leaves the HTTP/2 stream open, and what a peer sends on it would pile up unread.
   */
  breakCall(call: AgentCall): void {
    if (!this.#calls.has(call)) return;
    const timer = this.#clock.after(CALL_END_MS, () => this.#socket.destroy());
    call.once('cancelled', () => timer.cancel());
  }

  #wait(): void {
    this.#idle = this.#clock.after(this.#idleMs, () => this.#socket.destroy());
  }
}
