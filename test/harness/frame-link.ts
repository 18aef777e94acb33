/**
 * Two ends of a session joined in memory, for tests of the tunnel without sockets. Nothing moves by
 * itself: each step hands over one message, or tells a sender that one has left, in an order that the
 * random source decides. Messages may be cut into other batches on the way, as nothing may depend on
 * which frames travel together.
 */
import { TunnelError } from '../../shared/errors.js';
import { decodeBatch } from '../../shared/protocol/frame-decoder.js';
import type { OutgoingMessage } from '../../shared/protocol/batch.js';
import type { Frame } from '../../shared/protocol/frame.js';
import type { SessionLink } from '../../shared/protocol/tunnel-session.js';
import { bytesOf, encodeBatch } from './encoded-batch.js';

/** Who gets what a link brings. */
export interface LinkReceiver {
  receive(message: Buffer): void;
  linkLost(error: TunnelError): void;
}

/** How a pair is set up. */
export interface FrameLinkOptions {
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Whether messages are cut into other batches on the way; off for hostile bytes. */
  readonly rebatches?: boolean;
}

/** Both ends; give each a receiver before the first step. */
export class FrameLinkPair {
  readonly #random: () => number;
  readonly #lanes: readonly [Lane, Lane];

  constructor(options: FrameLinkOptions) {
    this.#random = options.random;
    const rebatches = options.rebatches ?? false;
    this.#lanes = [new Lane(options.random, rebatches), new Lane(options.random, rebatches)];
  }

  /** The link of the first end: what it sends comes to the second. */
  get first(): SessionLink {
    return this.#lanes[0];
  }

  get second(): SessionLink {
    return this.#lanes[1];
  }

  join(first: LinkReceiver, second: LinkReceiver): void {
    this.#lanes[0].receiver = second;
    this.#lanes[1].receiver = first;
  }

  /** Holds back (or lets go) what one end sends: its transport takes nothing more. */
  stall(end: 'first' | 'second', isStalled: boolean): void {
    this.#lanes[end === 'first' ? 0 : 1].isStalled = isStalled;
  }

  /** Whether nothing is under way. */
  get isQuiet(): boolean {
    return this.#lanes.every((lane) => lane.isQuiet);
  }

  /** Messages handed over so far, in both directions. */
  get delivered(): number {
    return this.#lanes[0].delivered + this.#lanes[1].delivered;
  }

  /** One thing happens somewhere; false when there was nothing to do. */
  step(): boolean {
    const [one, other] = this.#random() < 0.5 ? this.#lanes : [this.#lanes[1], this.#lanes[0]];
    return one.step() || other.step();
  }

  /** The connection breaks: what is under way is lost, both ends hear of it. */
  cut(): void {
    for (const lane of this.#lanes) lane.cut();
  }

  /** Steps until nothing is under way any more, with turns of the event loop between. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      await new Promise((resolve) => setImmediate(resolve));
      while (this.step()) idle = 0;
    }
  }
}

/** One direction. */
class Lane implements SessionLink {
  receiver: LinkReceiver | undefined;
  isStalled = false;
  delivered = 0;
  readonly #random: () => number;
  readonly #rebatches: boolean;
  /** With the transport of the sender. */
  #leaving: { readonly message: Buffer; readonly onSent: () => void }[] = [];
  /** On the way. */
  #travelling: Buffer[] = [];
  #isEnding = false;
  #isOver = false;

  constructor(random: () => number, rebatches: boolean) {
    this.#random = random;
    this.#rebatches = rebatches;
  }

  get isQuiet(): boolean {
    return this.#leaving.length === 0 && this.#travelling.length === 0;
  }

  send(message: OutgoingMessage, onSent: () => void): void {
    if (this.#isOver || this.#isEnding) return;
    this.#leaving.push({ message: bytesOf(message), onSent });
  }

  close(): void {
    this.#isEnding = true;
  }

  step(): boolean {
    if (this.#random() < 0.5) return this.#leave() || this.#arrive() || this.#finish();
    return this.#arrive() || this.#leave() || this.#finish();
  }

  cut(): void {
    this.#leaving = [];
    this.#travelling = [];
    this.#end('connection broken');
  }

  #leave(): boolean {
    if (this.isStalled) return false;
    const next = this.#leaving.shift();
    if (next === undefined) return false;
    // grpc-js hands over what has been written, whether its writer is told before or after
    this.#travelling.push(...(this.#rebatches ? this.#rebatched(next.message) : [next.message]));
    next.onSent();
    return true;
  }

  #arrive(): boolean {
    const message = this.#travelling.shift();
    if (message === undefined) return false;
    this.delivered++;
    this.receiver?.receive(message);
    return true;
  }

  #finish(): boolean {
    if (!this.#isEnding || this.#isOver || !this.isQuiet) return false;
    this.#end('connection closed');
    return true;
  }

  #end(text: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.receiver?.linkLost(new TunnelError('AGENT_LOST', text));
  }

  #rebatched(message: Buffer): Buffer[] {
    const batches: Buffer[] = [];
    let frames: Frame[] = [];
    decodeBatch(message, (frame) => {
      frames.push(frame);
      if (this.#random() < 0.7) return;
      batches.push(encodeBatch(frames));
      frames = [];
    });
    if (frames.length > 0) batches.push(encodeBatch(frames));
    return batches;
  }
}
