/**
 * A reset that leaves nothing behind. Node 20 loses the handle of a socket that is reset while its end is
 * under way (uv_tcp_close_reset refuses it), and a process with such a handle spins at its exit for ever.
 */
import type { Socket } from 'node:net';

/** Breaks the connection: by a reset, or by closing it when its end is under way. */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
