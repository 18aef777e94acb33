/**
 * The one writer of a session. Small frames go first, streams with little to send next, bulk streams
 * take turns; a turn of the event loop sends what it brought in one batch, and nothing is sent while the link is
 * full. Small frames of a lone stream leave before the turn ends, heads that come together wait for more.
 */
import { Batch } from './batch.js';
import type { OutgoingMessage } from './batch.js';
import type { UrgentFrame } from './frame.js';
import type { TunnelStream } from './tunnel-stream.js';
import { WaitingLine } from '../waiting-line.js';

/** Carries batches to the peer: one gRPC call, or a fake in tests. */
export interface FrameLink {
  /** Sends one batch; `onSent` is called when the transport has taken it. */
  send(message: OutgoingMessage, onSent: () => void): void;
}

/** Data a stream may send per turn, in one frame: small enough that others are not delayed, large enough to be cheap. */
const TURN_BYTES = 64 * 1024;
/** Pieces of data per turn: one of very many tiny pieces would be work that others wait for. */
const MAX_TURN_PIECES = 256;
/** What a piece takes of a batch besides its bytes: tiny ones are work, too. */
const PIECE_BYTES = 24;
/** A stream with no more than this waiting is interactive and goes before bulk. */
const LIGHT_BYTES = 8 * 1024;
/** A batch with this much data, frames included, takes no further turn: two full ones fit. */
const BATCH_BYTES = 96 * 1024;
/** Small frames ahead of data, and again after it: all of it stays below the limit of a message. */
const URGENT_BYTES = 256 * 1024;
/** More than this is not worth sending to a peer that is given up. */
const LAST_WORDS_BYTES = 4 * 1024 * 1024;
/** Bytes the transport may hold: more only waits there, in front of frames that are urgent. */
const LINK_BYTES = 512 * 1024;

/**
 * How long heads of requests or responses that come together wait for more: a message costs both ends as much as two
 * requests, and who asks while others are answered asks a turn later. The first turn that ends after it sends them.
 */
const HEADS_WAIT_MS = 1;
/** With this ahead of data a message is large enough: waiting for more would save little. */
const HEADS_WAIT_BYTES = 8 * 1024;

/** Gathers frames and sends them in batches. */
export class FairWriter {
  readonly #link: FrameLink;
  readonly #isShared: () => boolean;
  readonly #nowMs: () => number;
  readonly #onTurn = (): void => this.#flush();
  #urgent = new Batch();
  readonly #light = new WaitingLine<TunnelStream>();
  readonly #bulk = new WaitingLine<TunnelStream>();
  #linkBytes = 0;
  /** What those bytes take until they are written: frames that wait there are not bytes yet. */
  #linkCost = 0;
  #isFlushScheduled = false;
  /** Whether the link was shared since the last flush, and before it. */
  #isCrowded = false;
  #wasCrowded = false;
  /** Heads since the last flush, and how many of them the turn before had found. */
  #heads = 0;
  #knownHeads = 0;
  #headsWaitSinceMs = 0;
  #isClosed = false;

  /** `isShared`: whether the link has more than one stream. `nowMs`: monotonic time. */
  constructor(link: FrameLink, isShared: () => boolean, nowMs: () => number) {
    this.#link = link;
    this.#isShared = isShared;
    this.#nowMs = nowMs;
  }

  /** Bytes given to the transport and not yet taken by it. */
  get linkBytes(): number {
    return this.#linkBytes;
  }

  /** Bytes that wait ahead of data: what the peer does not take although it should. */
  get urgentBytes(): number {
    return this.#urgent.cost;
  }

  /** Queues a frame ahead of data. */
  sendNow(frame: UrgentFrame): void {
    if (this.#isClosed) return;
    this.#urgent.add(frame);
    if (frame.kind === 'open' || frame.kind === 'head') this.#heads++;
    this.#isCrowded ||= this.#isShared();
    // callers who were answered together ask again together: the first is alone for a moment only
    const isAlone = !this.#isCrowded && !this.#wasCrowded;
    // nobody to wait for: HTTP/2 writes in this turn of the loop what it is given before setImmediate
    this.#schedule(isAlone ? process.nextTick : setImmediate);
  }

  /** The stream has data and credit. */
  hasData(stream: TunnelStream): void {
    if (this.#isClosed || this.#bulk.has(stream)) return;
    (stream.pendingBytes <= LIGHT_BYTES ? this.#light : this.#bulk).join(stream);
    this.#schedule();
  }

  /** Forgets a closed stream. */
  forget(stream: TunnelStream): void {
    stream.line?.leave(stream);
  }

  /**
   * Sends what is queued ahead of data and then `frame`, even if the link is full: ends of streams that
   * are complete must not get lost with the session. Follow it by `close`.
   */
  sendLast(frame: UrgentFrame): void {
    if (this.#isClosed) return;
    if (this.urgentBytes > LAST_WORDS_BYTES) this.#urgent = new Batch();
    this.sendNow(frame);
    while (!this.#urgent.isEmpty) this.#send(this.#takeUrgent());
  }

  /** Drops everything; nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    this.#urgent = new Batch();
    this.#light.clear();
    this.#bulk.clear();
  }

  /**
   * setImmediate runs in the same turn of the event loop, after the sockets that were readable: a busy
   * session sends in one batch what all its sockets brought.
   */
  #schedule(defer: (flush: () => void) => unknown = setImmediate): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    defer(this.#onTurn);
  }

  #flush(): void {
    if (this.#waitsForHeads()) {
      setImmediate(this.#onTurn);
      return;
    }
    // what sources add meanwhile is taken by this loop, hence not yet reset
    while (!this.#isClosed && this.#linkCost < LINK_BYTES) {
      const batch = this.#gather();
      if (batch.isEmpty || this.#isClosed) break;
      this.#send(batch);
    }
    this.#isFlushScheduled = false;
    this.#wasCrowded = this.#isCrowded;
    this.#isCrowded = false;
    this.#heads = 0;
    this.#knownHeads = 0;
  }

  /** Looks once per turn: it has brought heads that are not alone, the next may bring more, and no bulk is delayed. */
  #waitsForHeads(): boolean {
    const isFirstLook = this.#knownHeads === 0;
    const brought = this.#heads - this.#knownHeads;
    if (!this.#isCrowded || brought < (isFirstLook ? 2 : 1)) return false;
    if (this.#isClosed || !this.#bulk.isEmpty || this.urgentBytes >= HEADS_WAIT_BYTES) return false;
    this.#knownHeads = this.#heads;
    const nowMs = this.#nowMs();
    if (isFirstLook) this.#headsWaitSinceMs = nowMs;
    return nowMs - this.#headsWaitSinceMs < HEADS_WAIT_MS;
  }

  #send(batch: Batch): void {
    const { length, cost } = batch;
    this.#linkBytes += length;
    this.#linkCost += cost;
    this.#link.send(batch, () => {
      const wasFull = this.#linkCost >= LINK_BYTES;
      this.#linkBytes -= length;
      this.#linkCost -= cost;
      if (wasFull && this.#linkCost < LINK_BYTES) this.#schedule();
    });
  }

  #gather(): Batch {
    const batch = this.#takeUrgent();
    // data must not overtake the head of its stream, which may be among what did not fit
    if (!this.#urgent.isEmpty || batch.cost > URGENT_BYTES) return batch;
    const room = this.#gatherData(this.#light, batch, BATCH_BYTES);
    // one turn at least: callers with small answers may be so many that they fill every batch
    this.#gatherData(this.#bulk, batch, Math.max(room, 1));
    // ends that followed the last data of their streams
    if (!this.#urgent.isEmpty && this.urgentBytes <= URGENT_BYTES) batch.append(this.#takeUrgent());
    return batch;
  }

  /** Urgent frames up to URGENT_BYTES; a larger one alone. */
  #takeUrgent(): Batch {
    if (this.urgentBytes > URGENT_BYTES) return this.#urgent.takeFront(URGENT_BYTES);
    const all = this.#urgent;
    this.#urgent = new Batch();
    return all;
  }

  /** A turn for each stream until the batch is full. Returns the room left, negative if the last went over. */
  #gatherData(line: WaitingLine<TunnelStream>, batch: Batch, roomBytes: number): number {
    let room = roomBytes;
    while (room > 0) {
      const stream = line.takeFirst();
      if (stream === undefined) break;
      room -= this.#takeTurn(stream, batch);
      // what is left after a turn is bulk, however little; ends of streams leave the line
      if (stream.isSendable) this.#bulk.join(stream);
    }
    return room;
  }

  /**
   * Pieces that fit a turn whole, as one frame: each frame is a write at the far end, and so is the rest of a piece that
   * is cut. One piece fits always: a turn is as large as the largest frame. Returns what it takes of a batch.
   */
  #takeTurn(stream: TunnelStream, batch: Batch): number {
    const pieces: Buffer[] = [];
    let length = 0;
    while (
      stream.isSendable &&
      pieces.length < MAX_TURN_PIECES &&
      length + stream.nextDataBytes <= TURN_BYTES
    ) {
      const piece = stream.takeData();
      pieces.push(piece);
      length += piece.length;
    }
    if (length > 0) batch.add({ kind: 'data', stream: stream.id, pieces, length });
    stream.dataTaken();
    return length + pieces.length * PIECE_BYTES;
  }
}
