/**
 * The open TCP connections of a port for callers. Knows the connection below TLS, which Node keeps to
 * itself, so that a response can be broken off by a reset: a mere close would make a body look whole
 * whose length nothing but the close tells (HTTP/1.0 callers, upgraded connections).
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

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
    connection?.resetAndDestroy();
    socket.destroy();
  }

  /** Closes all. */
  destroyAll(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }
}

function peerOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress ?? ''} ${remotePort ?? ''}`;
}
