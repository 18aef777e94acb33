/**
 * One buffer that all plain connections to targets are read into; each read is copied into memory of its own size.
 * Node would allocate 64 KiB per read and give back what was not filled, which tears the allocator's memory into
 * pieces: a quarter of an agent's CPU time per byte (test/bench/PROFILE.md). Connections with TLS have no use for
 * it: what was decrypted is copied into memory of its size anyway.
 */
import type { OnReadOpts, Socket } from 'node:net';

/** What a read asks for, as Node does. A read is over, and its bytes are copied, before the next one begins. */
const READ_BYTES = 64 * 1024;

const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** The option `onread` of net.connect. The socket goes on as one without it: pauses, end and errors included. */
export const THROUGH_READ_BUFFER: OnReadOpts = { buffer, callback: pushCopy };

/** Node calls it on the socket. Returns false when the socket has as much as it wants for now. */
function pushCopy(this: Socket, bytes: number): boolean {
  return this.push(Buffer.from(buffer.subarray(0, bytes)));
}
