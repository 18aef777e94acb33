/**
 * Node's HTTP/2 over TLS can miss that its connection was reset. When a write, not a read, meets the reset first, its
 * error is dropped; TLS never makes the next write, and HTTP/2, which does not read while it writes, waits for it
 * for ever (nodejs/node#55804, seen with Node 20 and 22). Neither `error` nor `close` comes: streams of callers
 * stay open, and agent and controller notice by missing heartbeats only. HTTP/1.1 hears of each write.
 */
import type { Socket } from 'node:net';
import { constants } from 'node:os';

/** Between two looks at a connection; a lost write is found by the second look after it. */
export const LOST_WRITE_LOOK_MS = 1000;

/** Handle of a TLS connection and, below it, of TCP; private to Node. */
interface NativeHandle {
  /** Bytes given to the layer below so far. */
  readonly bytesWritten: number;
  /** Bytes that wait to be given to it. */
  readonly writeQueueSize: number;
  readonly _parent?: NativeHandle | null;
}

/**
 * Breaks a connection that carries HTTP/2, or soon will, once it has lost a write: `error` and `close` follow. Looks in
 * real time, as what it looks at are Node's own counts of what the kernel took.
 */
export function breakOnLostWrite(socket: Socket): void {
  if (socket.destroyed) return;
  let lostAfterBytes: number | undefined;
  const timer = setInterval(() => {
    const before = lostAfterBytes;
    lostAfterBytes = lostAfter(socket);
    if (lostAfterBytes === undefined || lostAfterBytes !== before) return;
    socket.destroy(connectionReset());
  }, LOST_WRITE_LOOK_MS).unref();
  socket.once('close', () => clearInterval(timer));
}

/** The error that Node should have reported. grpc-js takes this code for UNAVAILABLE; the true one is lost. */
function connectionReset(): NodeJS.ErrnoException {
  return Object.assign(new Error('write ECONNRESET (found late, nodejs/node#55804)'), {
    code: 'ECONNRESET',
    syscall: 'write',
    errno: -constants.errno.ECONNRESET,
  });
}

/**
 * After how many bytes TLS holds what TCP neither has nor sends; undefined when it holds nothing so. It does for
 * a moment after each write, but then hands it on: TCP has more bytes by the next look. Under backpressure TCP
 * has a queue. So the same number twice is a write that is lost.
 */
function lostAfter(socket: Socket): number | undefined {
  const { _handle: tls } = socket as unknown as { _handle?: NativeHandle | null };
  const tcp = tls?._parent;
  if (tls == null || tcp == null) return undefined;
  return tls.writeQueueSize > 0 && tcp.writeQueueSize === 0 ? tcp.bytesWritten : undefined;
}
