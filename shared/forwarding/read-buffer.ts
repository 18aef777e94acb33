/**
 * One buffer that all plain connections to targets are read into; each read is copied into memory of its own size.
 * Node would allocate 64 KiB per read and give back what was not filled, which tears the allocator's memory into
 * pieces: up to a third of an agent's CPU time per byte, where page faults are dear (test/bench/PROFILE.md). Connections
 * with TLS have no use for it: what was decrypted is copied into memory of its size anyway.
 */
import type { OnReadOpts, Socket } from 'node:net';

/** What a read asks for, as Node does. */
const READ_BYTES = 64 * 1024;

/** One for the process: a read is over, and its bytes are copied, before the next one begins. */
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * The option `onread` of net.connect. Node then gives the socket's stream no bytes, only its end and errors; those that
 * `pushCopy` gives it make it one as without the option, pauses included.
 */
export const THROUGH_READ_BUFFER: OnReadOpts = { buffer, callback: pushCopy };

/** Node calls it on the socket, and stops reading when it returns false; the stream's next `read` goes on. */
function pushCopy(this: Socket, bytes: number): boolean {
  // not from the pool, where a piece that waits would hold the memory of others
  const copy = Buffer.allocUnsafeSlow(bytes);
  buffer.copy(copy, 0, 0, bytes);
  return this.push(copy);
}
