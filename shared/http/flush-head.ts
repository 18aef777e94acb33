/**
 * Sends a head whose body is yet to come, with the header bytes as they are. Used where a head must not
 * wait: at the caller's listener and towards targets.
 */
import type { OutgoingMessage } from 'node:http';

const NOTHING = Buffer.alloc(0);

/** Node's own flushHeaders writes header values as UTF-8, so that each byte over 0x7f becomes two. */
export function flushHead(message: OutgoingMessage): void {
  message.write(NOTHING);
}
