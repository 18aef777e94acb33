/**
 * Node's HTTP/2 over TLS does not always learn that its connection was reset. A write that meets the reset before a
 * read does fails unheard; the next one is never made, and as nothing is read during a write, HTTP/2 waits for
 * it for ever (nodejs/node#55804, seen with Node 20). Neither `error` nor `close` comes: streams of callers
 * stay open, and agent and controller notice by missing heartbeats only. HTTP/1.1 hears of each write.
 */
import type { Socket } from 'node:net';
import { constants } from 'node:os';

/** Between two looks at a connection; a lost write is found by the second look after it. */
export const LOOK_MS = 1000;

/** Handle of a TLS connection and, below it, of TCP; private to Node. */
interface NativeHandle {
  /** Bytes given to the layer below so far. */
  readonly bytesWritten: number;
  /** Bytes that wait to be given to it. */
  readonly writeQueueSize: number;
  readonly _parent?: NativeHandle | null;
}

/** Breaks a connection that carries HTTP/2, or soon will, once it has lost a write: `error` and `close` follow. */
export function breakOnLostWrite(socket: Socket): void {
  if (socket.destroyed) return;
  let lostAfterBytes: number | undefined;
  const timer = setInterval(() => {
    const before = lostAfterBytes;
    lostAfterBytes = lostAfter(socket);
    if (lostAfterBytes === undefined || lostAfterBytes !== before) return;
    socket.destroy(connectionReset());
  }, LOOK_MS).unref();
  socket.once('close', () => clearInterval(timer));
}

/** The error that Node should have reported. grpc-js takes this code for UNAVAILABLE; the true one is lost. */
function connectionReset(): NodeJS.ErrnoException {
  const errno = -constants.errno.ECONNRESET;
  return Object.assign(new Error('write ECONNRESET'), {
    code: 'ECONNRESET',
    syscall: 'write',
    errno,
  });
}

/**
 * After how many bytes TLS holds what TCP neither has nor sends: for a moment after each write, and for good when one
 * is lost. Undefined when nothing is held so.
 */
function lostAfter(socket: Socket): number | undefined {
  const { _handle: tls } = socket as unknown as { _handle?: NativeHandle | null };
  const tcp = tls?._parent;
  if (tls == null || tcp == null) return undefined;
  return tls.writeQueueSize > 0 && tcp.writeQueueSize === 0 ? tcp.bytesWritten : undefined;
}
