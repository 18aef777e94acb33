/**
 * The open TCP connections of a port for callers. Knows the connection below TLS, which Node keeps to
 * itself, so that a response can be broken off by a reset.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { resetConnection } from '../http/reset-connection.js';

/** Connections by address and port of the caller, which both layers know. */
export class CallerSockets {
  readonly #open = new Map<string, Socket>();

  /** Takes a connection that was accepted; it leaves by itself. */
  add(socket: Socket): void {
    const peer = peerOf(socket);
    this.#open.set(peer, socket);
    socket.on('close', () => {
      if (this.#open.get(peer) === socket) this.#open.delete(peer);
    });
  }

  /** Breaks the connection that `socket` is, or that it encrypts. */
  reset(socket: Socket | Duplex): void {
    const connection = 'remotePort' in socket ? this.#open.get(peerOf(socket)) : undefined;
    if (connection === undefined) socket.destroy();
    else resetConnection(connection, socket);
  }

  /** Closes all. */
  destroyAll(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }
}

/** Where a connection comes from, even if it is closed already; one below TLS knows it longer. */
export function callerAddress(socket: TLSSocket): string | undefined {
  // private; `add` above has looked at its address while it was open, and Node remembers
  const { _parent: connection } = socket as { _parent?: Socket | null };
  return socket.remoteAddress ?? connection?.remoteAddress;
}

function peerOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
