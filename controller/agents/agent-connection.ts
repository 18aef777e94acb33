/**
 * One connection to the port for agents. It is there to carry a call: one that carries none for a while,
 * because its peer never opened one or does not hang up after the last, is closed.
 */
import type * as net from 'node:net';
import type { Clock, Timer } from '../../shared/clock.js';
import type { ClientCertificate } from '../../shared/intake/caller-exchange.js';
import { clientCertificateOf } from '../../shared/intake/client-certificate.js';

/** What the connection tells of the agent. */
export interface AgentPeer {
  /** `address:port`. */
  readonly remoteAddress: string;
  /** Undefined when the connection carried none. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** An accepted connection, after TLS where there is TLS. */
export class AgentConnection {
  readonly peer: AgentPeer;
  readonly #socket: net.Socket;
  readonly #clock: Clock;
  readonly #idleMs: number;
  #calls = 0;
  #idle: Timer | undefined;

  /** `idleMs`: how long it may carry no call. */
  constructor(socket: net.Socket, clock: Clock, idleMs: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#idleMs = idleMs;
    const remoteAddress = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    this.peer = { remoteAddress, clientCertificate: clientCertificateOf(socket) };
    socket.on('close', () => this.#idle?.cancel());
    this.#wait();
  }

  /** A call has begun on it. */
  callOpened(): void {
    this.#calls++;
    this.#idle?.cancel();
  }

  /** A call on it is over. */
  callEnded(): void {
    this.#calls--;
    if (this.#calls === 0 && !this.#socket.destroyed) this.#wait();
  }

  #wait(): void {
    this.#idle = this.#clock.after(this.#idleMs, () => this.#socket.destroy());
  }
}
