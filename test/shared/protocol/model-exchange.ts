/**
 * One exchange of the model check: what each of its ends still wants to do, and whether what it is told
 * can be true. Used by multiplexer-model.test.ts.
 */
import { TunnelError } from '../../../shared/errors.js';
import type { HeaderList } from '../../../shared/http/header-list.js';
import type { ResponseHead } from '../../../shared/protocol/frame.js';
import type { StreamHandler, TunnelStream } from '../../../shared/protocol/tunnel-stream.js';

/** What one half is going to say. */
export interface HalfPlan {
  readonly bytes: number;
  readonly trailers: HeaderList;
  /** No head-less half of an opener, and no response, may be `bodyless` and have bytes. */
  readonly isBodyless: boolean;
}

/** What an exchange is going to be like. */
export interface ExchangePlan {
  readonly key: number;
  readonly request: HalfPlan;
  readonly response: HalfPlan;
  readonly informational: number;
  /** The response may be given before the request is complete, and the rest is then not wanted. */
  readonly isEarly: boolean;
}

/** How an end of an exchange ended; exactly one of these for each. */
export type Outcome = 'complete' | 'reset here' | `reset: ${string}`;

/** Facts about the run that make an ending possible. */
export interface ModelWorld {
  readonly random: () => number;
  isSessionOver: boolean;
  fail(what: string): void;
}

/** The byte at each place of a half; halves differ, and so do places. */
export function patternBytes(key: number, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) {
    const at = from + i;
    bytes[i] = (key * 31 + at * 13 + (at >> 8)) & 0xff;
  }
  return bytes;
}

/** One end: writes its half as it is allowed to, reads the other when it likes, checks everything. */
export class ModelEnd implements StreamHandler {
  readonly plan: ExchangePlan;
  readonly isOpener: boolean;
  stream: TunnelStream | undefined;
  peer: ModelEnd | undefined;
  /** Whether the session served when the stream was opened: then a drain may not refuse it. */
  wasServing = true;
  readonly heads: number[] = [];
  readonly outcomes: Outcome[] = [];
  sent = 0;
  isSendingDone = false;
  isAttached = false;
  readonly #world: ModelWorld;
  readonly #own: HalfPlan;
  readonly #theirs: HalfPlan;
  #received = 0;
  #unread = 0;
  #isPaused = false;
  #isReceivingDone = false;
  /** Wants no more of the request; its own last bytes may still wait. */
  #isStopping = false;

  constructor(plan: ExchangePlan, isOpener: boolean, world: ModelWorld) {
    this.plan = plan;
    this.isOpener = isOpener;
    this.#world = world;
    this.#own = isOpener ? plan.request : plan.response;
    this.#theirs = isOpener ? plan.response : plan.request;
    if (isOpener) {
      this.isAttached = true;
      this.isSendingDone = plan.request.isBodyless;
    } else {
      this.#isReceivingDone = plan.request.isBodyless;
    }
  }

  get isOver(): boolean {
    const isDone = this.#isStopping || (this.isSendingDone && this.#isReceivingDone);
    // last bytes may still wait for credit
    if (isDone && this.outcomes.length === 0 && this.stream?.isClosed === true) {
      this.#finish('complete');
    }
    return this.outcomes.length > 0;
  }

  get hasUnread(): boolean {
    return this.#unread > 0;
  }

  // ---- what the end does ------------------------------------------------------------------------

  /** One random thing, or the next useful one; false when there is nothing to do. */
  act(isFinishing: boolean): boolean {
    const { random } = this.#world;
    if (this.hasUnread && (isFinishing || random() < 0.5)) {
      return this.#read(isFinishing ? this.#unread : Math.ceil(random() * this.#unread));
    }
    if (this.isOver || this.#isStopping || this.stream === undefined) return false;
    if (!this.isAttached) return this.#attach();
    if (!isFinishing && random() < 0.01) return this.#reset();
    return this.isOpener ? this.#send() : this.#answer();
  }

  #attach(): boolean {
    this.isAttached = true;
    // as the forwarder does after it has waited for a credential
    if (this.stream?.isClosed === true) this.#finish('reset: unseen');
    else this.stream?.attach(this);
    return true;
  }

  #read(bytes: number): boolean {
    this.#unread -= bytes;
    this.stream?.consumed(bytes);
    return true;
  }

  #reset(): boolean {
    this.#finish('reset here');
    const code = this.isOpener ? 'CALLER_LEFT' : 'TARGET_BROKE_OFF';
    this.stream?.reset(new TunnelError(code, 'by the model'));
    return true;
  }

  #answer(): boolean {
    const { informational, response, isEarly } = this.plan;
    const isHeadSent = this.heads.some((status) => status >= 200);
    if (isHeadSent) return this.#send();
    if (!this.#isReceivingDone && !isEarly) return false;
    const isInformational = this.heads.length < informational;
    const status = isInformational ? 103 : 200;
    this.heads.push(status);
    const ended = !isInformational && response.isBodyless;
    if (ended) this.isSendingDone = true;
    this.stream?.sendHead({ status, reason: '', headers: [], ended });
    this.#stopWhenEarly();
    return true;
  }

  #send(): boolean {
    if (this.isSendingDone || this.#isPaused) return false;
    const { bytes, trailers } = this.#own;
    if (this.sent < bytes) return this.#write(Math.min(bytes - this.sent, this.#pieceSize()));
    this.isSendingDone = true;
    this.stream?.end(trailers);
    this.#stopWhenEarly();
    return true;
  }

  #pieceSize(): number {
    const draw = this.#world.random();
    if (draw < 0.3) return 1 + Math.floor(draw * 100);
    return draw < 0.9 ? Math.floor(draw * 5000) : 70_000;
  }

  #write(length: number): boolean {
    const piece = patternBytes(this.#ownKey(), this.sent, length);
    this.sent += length;
    if (this.stream?.write(piece) === false) this.#isPaused = true;
    return true;
  }

  /** An answer that is complete before its request: the rest is not wanted. */
  #stopWhenEarly(): void {
    if (this.isOpener || !this.isSendingDone || this.#isReceivingDone) return;
    this.#isStopping = true;
    this.stream?.stop();
  }

  // ---- what the end is told ---------------------------------------------------------------------

  onHead(head: ResponseHead): void {
    this.#check('head');
    if (!this.isOpener) this.#world.fail('a head came to an acceptor');
    this.heads.push(head.status);
    if (head.ended) this.#receivedAll();
  }

  onData(bytes: Buffer): void {
    this.#check('data');
    const expected = patternBytes(this.#theirKey(), this.#received, bytes.length);
    if (!expected.equals(bytes)) this.#world.fail(`wrong bytes at ${this.#received}`);
    this.#received += bytes.length;
    // nobody reads what is not wanted, and nothing may be left of it
    if (!this.#isStopping) this.#unread += bytes.length;
    if (this.#received > (this.peer?.sent ?? 0)) this.#world.fail('more bytes than were sent');
  }

  onEnd(trailers: HeaderList): void {
    this.#check('end');
    if (trailers.join() !== this.#theirs.trailers.join()) this.#world.fail('other trailers');
    this.#receivedAll();
  }

  onReset(error: TunnelError | undefined): void {
    this.#check('reset');
    if (error === undefined) {
      const isWhole = this.isOpener ? this.#isReceivingDone : this.isSendingDone;
      if (!isWhole) this.#world.fail('stopped before the response was complete');
      return this.#finish('complete');
    }
    if (!this.#isPossible(error)) this.#world.fail(`reset by ${error.code}: ${error.message}`);
    this.#finish(`reset: ${error.code}`);
  }

  onWritable(): void {
    if (!this.#isPaused) this.#world.fail('told of room without having been paused');
    this.#isPaused = false;
  }

  #isPossible(error: TunnelError): boolean {
    switch (error.code) {
      case 'CALLER_LEFT':
      case 'TARGET_BROKE_OFF':
        return this.peer?.outcomes[0] === 'reset here';
      case 'AGENT_LOST':
        return this.#world.isSessionOver;
      case 'TOO_MANY_STREAMS':
      case 'BUFFERS_SPENT':
        return this.isOpener && this.peer === undefined;
      case 'DRAINING':
        return this.isOpener && this.peer === undefined && !this.wasServing;
      default:
        return false;
    }
  }

  #receivedAll(): void {
    if (this.#received !== this.#theirs.bytes) {
      this.#world.fail(`${this.#received} of ${this.#theirs.bytes} bytes arrived`);
    }
    this.#isReceivingDone = true;
    if (this.isOpener && this.heads.length !== this.plan.informational + 1) {
      this.#world.fail(`heads ${this.heads.join()}`);
    }
  }

  #check(what: string): void {
    // a stream is closed before its handler is told of a reset
    const isOver = what === 'reset' ? this.outcomes.length > 0 : this.isOver;
    if (isOver) this.#world.fail(`${what} after the end (${this.outcomes.join()})`);
    if (this.#isReceivingDone && what !== 'reset') this.#world.fail(`${what} after the last byte`);
  }

  #finish(outcome: Outcome): void {
    this.outcomes.push(outcome);
  }

  #ownKey(): number {
    return this.plan.key * 2 + (this.isOpener ? 0 : 1);
  }

  #theirKey(): number {
    return this.plan.key * 2 + (this.isOpener ? 1 : 0);
  }
}
