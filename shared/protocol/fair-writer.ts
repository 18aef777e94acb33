/**
 * The one writer of a session. Small frames go first, streams with little to send next, bulk streams
 * take turns; each turn of the event loop sends one batch, and nothing is sent while the link is full.
 */
import type { Frame } from './frame.js';
import { DATA_FRAME_OVERHEAD, encodeBatch, encodedBytes } from './frame-encoder.js';
import type { TunnelStream } from './tunnel-stream.js';

/** Carries batches to the peer: one gRPC call, or a fake in tests. */
export interface FrameLink {
  /** Sends one batch; `onSent` is called when the transport has taken it. */
  send(message: Buffer, onSent: () => void): void;
}

/** Data a stream may send per turn: small enough that others are not delayed, large enough to be cheap. */
const TURN_BYTES = 64 * 1024;
/** A stream with no more than this waiting is interactive and goes before bulk. */
const LIGHT_BYTES = 8 * 1024;
/** Data per batch. */
const BATCH_BYTES = 128 * 1024;
/** Small frames ahead of data, and again after it; with one largest head a message stays below its limit. */
const URGENT_BYTES = 256 * 1024;
/** What a frame that waits costs besides its bytes. */
const FRAME_COST_BYTES = 64;
/** More than this is not worth sending to a peer that is given up. */
const LAST_WORDS_BYTES = 4 * 1024 * 1024;
/** Bytes the transport may hold: more only waits there, in front of frames that are urgent. */
const LINK_BYTES = 512 * 1024;

/** Gathers frames and sends them in batches. */
export class FairWriter {
  readonly #link: FrameLink;
  #urgent: Frame[] = [];
  #urgentBytes = 0;
  readonly #light = new Set<TunnelStream>();
  readonly #bulk = new Set<TunnelStream>();
  #linkBytes = 0;
  #isFlushScheduled = false;
  #isClosed = false;

  constructor(link: FrameLink) {
    this.#link = link;
  }

  /** Bytes given to the transport and not yet taken by it. */
  get linkBytes(): number {
    return this.#linkBytes;
  }

  /** Bytes that wait ahead of data: what the peer does not take although it should. */
  get urgentBytes(): number {
    return this.#urgentBytes;
  }

  /** Queues a frame ahead of data. */
  sendNow(frame: Frame): void {
    if (this.#isClosed) return;
    this.#urgent.push(frame);
    this.#urgentBytes += costOf(frame);
    this.#schedule();
  }

  /** The stream has data and credit. */
  hasData(stream: TunnelStream): void {
    if (this.#isClosed || this.#bulk.has(stream)) return;
    const isLight = stream.pendingBytes <= LIGHT_BYTES;
    if (!isLight) this.#light.delete(stream);
    (isLight ? this.#light : this.#bulk).add(stream);
    this.#schedule();
  }

  /** Forgets a closed stream. */
  forget(stream: TunnelStream): void {
    this.#light.delete(stream);
    this.#bulk.delete(stream);
  }

  /**
   * Sends what is queued ahead of data and then `frame`, even if the link is full: ends of streams that
   * are complete must not get lost with the session. Follow it by `close`.
   */
  sendLast(frame: Frame): void {
    if (this.#isClosed) return;
    if (this.#urgentBytes > LAST_WORDS_BYTES) this.#dropUrgent();
    this.sendNow(frame);
    while (this.#urgent.length > 0) this.#send(encodeBatch(this.#takeUrgent()));
  }

  /** Drops everything; nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    this.#dropUrgent();
    this.#light.clear();
    this.#bulk.clear();
  }

  /**
   * setImmediate runs in the same turn of the event loop, after the sockets that were readable: an idle
   * session sends without delay, a busy one sends once per turn what all its sockets brought.
   */
  #schedule(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    // what sources add meanwhile is taken by this loop, hence not yet reset
    while (!this.#isClosed && this.#linkBytes < LINK_BYTES) {
      const batch = this.#gather();
      if (batch.length === 0 || this.#isClosed) break;
      this.#send(encodeBatch(batch));
    }
    this.#isFlushScheduled = false;
  }

  #send(message: Buffer): void {
    const bytes = message.length;
    this.#linkBytes += bytes;
    this.#link.send(message, () => {
      const wasFull = this.#linkBytes >= LINK_BYTES;
      this.#linkBytes -= bytes;
      if (wasFull && this.#linkBytes < LINK_BYTES) this.#schedule();
    });
  }

  #gather(): Frame[] {
    const batch = this.#takeUrgent();
    // data must not overtake the head of its stream, which may be among what did not fit
    if (this.#urgent.length > 0) return batch;
    let room = this.#gatherData(this.#light, batch, BATCH_BYTES);
    room = this.#gatherData(this.#bulk, batch, room);
    // ends that followed the last data of their streams
    const isRoomForUrgent = room > 0 && this.#urgentBytes <= URGENT_BYTES;
    if (this.#urgent.length > 0 && isRoomForUrgent) batch.push(...this.#takeUrgent());
    return batch;
  }

  /** Urgent frames, no more than fit a message; a larger one goes alone. */
  #takeUrgent(): Frame[] {
    const frames = this.#urgent;
    if (this.#urgentBytes <= URGENT_BYTES) {
      this.#dropUrgent();
      return frames;
    }
    let count = 0;
    let bytes = 0;
    for (const frame of frames) {
      const cost = costOf(frame);
      if (count > 0 && bytes + cost > URGENT_BYTES) break;
      bytes += cost;
      count++;
    }
    this.#urgent = frames.slice(count);
    this.#urgentBytes -= bytes;
    return frames.slice(0, count);
  }

  #dropUrgent(): void {
    this.#urgent = [];
    this.#urgentBytes = 0;
  }

  /** One turn for each stream until the batch is full; returns the room that is left. */
  #gatherData(ring: Set<TunnelStream>, batch: Frame[], roomBytes: number): number {
    let room = roomBytes;
    for (const stream of ring) {
      if (room <= 0) break;
      ring.delete(stream);
      room -= this.#takeTurn(stream, batch, Math.min(room, TURN_BYTES));
      // to the end of the line; ends of streams leave it
      if (stream.isSendable) this.#bulk.add(stream);
    }
    return room;
  }

  #takeTurn(stream: TunnelStream, batch: Frame[], allowance: number): number {
    let taken = 0;
    while (stream.isSendable && taken < allowance) {
      const bytes = stream.takeData(allowance - taken);
      taken += bytes.length + DATA_FRAME_OVERHEAD;
      batch.push({ kind: 'data', stream: stream.id, bytes });
    }
    stream.dataTaken();
    return taken;
  }
}

/** What a frame that waits takes of the limits: its size, and something for being there. */
function costOf(frame: Frame): number {
  return FRAME_COST_BYTES + encodedBytes(frame);
}
