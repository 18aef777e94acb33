/**
 * Breaks a connection so that its peer sees it: a mere close would make a body look whole whose length
 * nothing but the close tells (HTTP/1.0, switched connections).
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Resets a connection; `stream` is what is written to it, when TLS lies between. One whose end is just going
 * out is closed instead: all its bytes have left, and Node 20 would lose the handle (uv_tcp_close_reset
 * refuses it), the descriptor and any hope of an orderly exit with it.
 */
export function resetConnection(connection: Socket, stream: Duplex = connection): void {
  if (isEndLeaving(stream)) connection.destroy();
  else connection.resetAndDestroy();
  stream.destroy();
}

/** Between the last byte written and the end sent. */
function isEndLeaving({ writableEnded, writableLength, writableFinished }: Duplex): boolean {
  return writableEnded && writableLength === 0 && !writableFinished;
}
