/**
 * Frames that travel in one gRPC message. Their sizes are known as they are added, their bytes are written
 * where the transport wants them: grpc-js asks a message for its length and then copies it behind a prefix of
 * its own, so that bytes made before would be copied once more.
 */
import { TunnelError } from '../errors.js';
import type { OutgoingFrame } from './frame.js';
import { bodySize, frameSize, writeFrame } from './frame-encoder.js';
import { WireWriter, fieldSize } from './wire-writer.js';

/** What grpc-js asks of a message: what it would do with a Buffer. */
export type OutgoingMessage = Pick<Buffer, 'length' | 'byteLength'> & {
  /** Writes all of it into `target`, from `at` on. */
  copy(target: Buffer, at: number): number;
};

/** What a frame that waits costs besides its bytes; data, for each piece. */
const FRAME_COST_BYTES = 64;

/** Frames in their order, as one protobuf Batch. */
export class Batch implements OutgoingMessage {
  readonly #frames: OutgoingFrame[] = [];
  /** Of the message inside each frame; sizes are found once, since heads are walked through for them. */
  readonly #bodySizes: number[] = [];
  #length = 0;
  #cost = 0;

  /** Encoded bytes. */
  get length(): number {
    return this.#length;
  }

  get byteLength(): number {
    return this.#length;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** Bytes it takes of limits while it waits. */
  get cost(): number {
    return this.#cost;
  }

  add(frame: OutgoingFrame): void {
    this.#push(frame, bodySize(frame));
  }

  /** Adds all frames of another one. */
  append(other: Batch): void {
    other.#frames.forEach((frame, i) => this.#push(frame, other.#bodySizes[i] ?? 0));
  }

  /** Takes frames from the front, no more than cost `maxBytes`; a larger one alone. */
  takeFront(maxBytes: number): Batch {
    const front = new Batch();
    let count = 0;
    for (const frame of this.#frames) {
      const size = this.#bodySizes[count] ?? 0;
      const cost = sizeInBatch(frame, size) + extraCost(frame);
      if (count > 0 && front.cost + cost > maxBytes) break;
      front.#push(frame, size);
      count++;
    }
    this.#frames.splice(0, count);
    this.#bodySizes.splice(0, count);
    this.#length -= front.length;
    this.#cost -= front.cost;
    return front;
  }

  copy(target: Buffer, at: number): number {
    const writer = new WireWriter(target, at);
    for (let i = 0; i < this.#frames.length; i++) {
      const frame = this.#frames[i] as OutgoingFrame; // i is below the length
      const size = this.#bodySizes[i] ?? 0;
      writer.startField(1, frameSize(frame, size));
      writeFrame(writer, frame, size);
    }
    // what the peer would take for broken bytes: a head that was changed after it had been added
    if (writer.at !== at + this.#length) {
      throw new TunnelError('INTERNAL', 'frames have changed since they were added');
    }
    return this.#length;
  }

  #push(frame: OutgoingFrame, size: number): void {
    this.#frames.push(frame);
    this.#bodySizes.push(size);
    const bytes = sizeInBatch(frame, size);
    this.#length += bytes;
    this.#cost += bytes + extraCost(frame);
  }
}

function sizeInBatch(frame: OutgoingFrame, body: number): number {
  return fieldSize(1, frameSize(frame, body));
}

function extraCost(frame: OutgoingFrame): number {
  return FRAME_COST_BYTES * (frame.kind === 'data' ? frame.pieces.length : 1);
}
