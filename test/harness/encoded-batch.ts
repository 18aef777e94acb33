/**
 * Frames as the bytes of one message, for tests that stand in for a transport.
 */
import { Batch } from '../../shared/protocol/batch.js';
import type { OutgoingMessage } from '../../shared/protocol/batch.js';
import type { Frame, OutgoingFrame } from '../../shared/protocol/frame.js';

/** What `message` puts on the wire. Throws when it is not as long as it says. */
export function bytesOf(message: OutgoingMessage): Buffer {
  const MARGIN = 16;
  const bytes = Buffer.alloc(message.length + 2 * MARGIN, 0xff);
  message.copy(bytes, MARGIN);
  const margins = [bytes.subarray(0, MARGIN), bytes.subarray(-MARGIN)];
  if (margins.some((margin) => margin.some((byte) => byte !== 0xff)))
    throw new Error(`the message wrote beyond its ${message.length} bytes`);
  return bytes.subarray(MARGIN, -MARGIN);
}

/** A frame as it is sent: data in pieces, where there is enough of it. */
function outgoing(frame: Frame): OutgoingFrame {
  if (frame.kind !== 'data') return frame;
  const { kind, stream, bytes } = frame;
  const cut = Math.ceil(bytes.length / 3);
  const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0);
  return { kind, stream, pieces, length: bytes.length };
}

/** One message with these frames. */
export function encodeBatch(frames: readonly Frame[]): Buffer {
  const batch = new Batch();
  for (const frame of frames) batch.add(outgoing(frame));
  return bytesOf(batch);
}
