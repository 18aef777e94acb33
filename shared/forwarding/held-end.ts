/**
 * Keeps the end of a target's connection back while its response is held back. undici 7 fails an assertion
 * there, outside of any request, and the process with it (nodejs/undici#5360; mended in undici 8, which needs
 * Node 22). Used by target-pool.ts for every connection; goes with undici 7.
 */
import type { Socket } from 'node:net';

/**
 * `end` is emitted once the reader has read and found nothing: undici reads until then, unless it is held back.
 * The socket needs `allowHalfOpen`, or Node would close it meanwhile.
 */
export function holdEndUntilRead(socket: Socket): void {
  const read = socket.read.bind(socket);
  const emit = socket.emit.bind(socket);
  let isRead = false;
  let isEndHeld = false;
  socket.read = (size) => {
    const bytes: unknown = read(size);
    if (size === 0) return bytes; // Node's own way to fetch more: not the reader's
    isRead = bytes === null;
    if (isRead && isEndHeld) {
      isEndHeld = false;
      // after undici has parsed what it still holds
      process.nextTick(() => emit('end'));
    }
    return bytes;
  };
  socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'end' || isRead) return emit(event, ...args);
    isEndHeld = true;
    return true;
  };
}
