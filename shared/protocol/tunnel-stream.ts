/**
 * One HTTP exchange inside a session: head, body bytes, then end or reset. Used by both ends; the
 * multiplexer creates it, the fair writer takes its data, its handler gets what arrives.
 */
import { TunnelError, isErrorCode, tunnelErrorFrom } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { HeaderList } from '../http/header-list.js';
import type { ReceiveWindow, SendWindow } from './flow-window.js';
import type { DataFrame, ResetFrame, ResponseHead, StreamFrame } from './frame.js';
import { PROTOCOL_LIMITS } from './frame.js';
import { headFault } from './head-limits.js';
import type { HalfEvent, HalfState } from './stream-state.js';
import { headEvent, nextHalfState } from './stream-state.js';
import type { LineMember, WaitingLine } from '../waiting-line.js';

/**
 * Who uses a stream. Calls come in the order of the wire; after `onReset`, or a reset of its own, none
 * follows. What a handler throws ends its stream, not the session.
 */
export interface StreamHandler {
  /** A response head (opener only); 1xx heads may come before the final one. */
  onHead(head: ResponseHead): void;
  /** Body bytes; give them back with `consumed` when they have moved on. */
  onData(bytes: Buffer): void;
  /** The peer's half is complete. */
  onEnd(trailers: HeaderList): void;
  /** The stream is over; undefined: the peer has answered in full and wants no more of our half. */
  onReset(error: TunnelError | undefined): void;
  /** `write` said false before; there is room again. */
  onWritable(): void;
}

/** Who writes down what becomes of a stream that the peer opened. */
export interface StreamObserver {
  /** The response head goes out; none of the 1xx ones but 101. */
  headSent(status: number): void;
  /** Both halves are over; undefined: with the whole response. Called once, last. */
  closed(error: TunnelError | undefined): void;
}

/** What a stream needs of its multiplexer. */
export interface StreamHost {
  /** Sends a small frame ahead of bulk data. */
  sendNow(frame: Exclude<StreamFrame, DataFrame>): void;
  /** The stream has data to send and credit for it. */
  hasData(stream: TunnelStream): void;
  /** Both halves are over. */
  streamClosed(stream: TunnelStream): void;
  /** The handler of a stream threw this; for the log. */
  handlerThrew(reason: unknown): void;
}

/** Bytes that may wait in a stream before its source is paused. */
const SEND_BUFFER_BYTES = 128 * 1024;

/** Length of an error text that a peer may make us pass on. */
const MAX_TEXT_LENGTH = 2000;

type HeldFrame = Extract<StreamFrame, { kind: 'head' | 'data' | 'end' }>;

/** The parts a multiplexer makes a stream from. */
export interface StreamParts {
  readonly id: number;
  readonly host: StreamHost;
  readonly sendWindow: SendWindow;
  readonly receiveWindow: ReceiveWindow;
  readonly sending: HalfState;
  readonly receiving: HalfState;
}

/** A stream of a session. */
export class TunnelStream implements LineMember<TunnelStream> {
  readonly id: number;
  /** Its place among those that have data to send. */
  line: WaitingLine<TunnelStream> | undefined;
  ahead: TunnelStream | undefined;
  behind: TunnelStream | undefined;
  /** Called once, when both halves are over; for who counts streams. */
  onClosed: (() => void) | undefined;
  /** For the acceptor, which sets it before anything is sent. */
  observer: StreamObserver | undefined;
  /** Body bytes of the peer that have arrived. */
  receivedBytes = 0;
  /** Body bytes of ours that have been handed to the link. */
  sentBytes = 0;
  readonly #host: StreamHost;
  readonly #sendWindow: SendWindow;
  readonly #receiveWindow: ReceiveWindow;
  readonly #isOpener: boolean;
  #handler: StreamHandler | undefined;
  #sending: HalfState;
  #receiving: HalfState;
  #isClosed = false;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Our half has been ended and goes out after the queued bytes. */
  #trailers: HeaderList | undefined;
  #isSourcePaused = false;
  /** `stop` was called before the last bytes had been sent. */
  #isStopWanted = false;
  #isReaderGone = false;
  /** Frames that arrived before there was a handler. */
  #held: HeldFrame[] = [];
  #onArrival: (() => void) | undefined;

  constructor(parts: StreamParts) {
    this.id = parts.id;
    this.#host = parts.host;
    this.#sendWindow = parts.sendWindow;
    this.#receiveWindow = parts.receiveWindow;
    this.#sending = parts.sending;
    this.#receiving = parts.receiving;
    this.#isOpener = parts.receiving === 'head';
  }

  /** Sets who gets what arrives; what has arrived before (never more than the window) comes at once. */
  attach(handler: StreamHandler): void {
    this.#handler = handler;
    const held = this.#held;
    this.#held = [];
    for (const frame of held) if (!this.#isClosed) this.#deliver(frame);
  }

  /** Before `attach`: calls once, when there is something for a handler or the stream is over. */
  whenArriving(listener: () => void): void {
    if (this.#held.length > 0 || this.#isClosed) listener();
    else this.#onArrival = listener;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether everything the peer will send has arrived. */
  get isReceivingEnded(): boolean {
    return this.#receiving === 'ended';
  }

  /** Whether our half has been ended (its last bytes may still wait to be sent). */
  get isSendingEnded(): boolean {
    return this.#sending === 'ended';
  }

  /** Bytes that wait here to be sent, and that wait for their reader. */
  get queuedBytes(): number {
    return this.#pendingBytes + this.#receiveWindow.buffered;
  }

  /** Sends a response head (acceptor only). One that is over the limits fails the stream. */
  sendHead(head: ResponseHead): void {
    if (this.#isClosed) return;
    const fault = headFault(head.headers);
    if (fault !== undefined) return this.#fail(overLimit('TARGET_BROKE_OFF', 'response', fault));
    this.#advanceSending(headEvent(head.status, head.ended));
    // member by member: the head given may be a frame of another stream
    const { status, reason, headers, ended } = head;
    this.#host.sendNow({ kind: 'head', stream: this.id, status, reason, headers, ended });
    if (status >= 200 || status === 101) this.observer?.headSent(status);
    this.#closeWhenEnded();
  }

  /** Queues body bytes; false asks the source to pause until `onWritable`. */
  write(bytes: Buffer): boolean {
    if (this.#isClosed || bytes.length === 0) return true;
    this.#advanceSending('data');
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#sendWindow.available > 0) this.#host.hasData(this);
    // a source that was told to pause stays told until `onWritable`, whatever it still had at hand
    if (this.#pendingBytes >= SEND_BUFFER_BYTES) this.#isSourcePaused = true;
    return !this.#isSourcePaused;
  }

  /** Completes our half, after the queued bytes. Trailers over the limits fail the stream. */
  end(trailers: HeaderList = []): void {
    if (this.#isClosed || this.#sending === 'ended') return;
    const fault = headFault(trailers);
    if (fault !== undefined) {
      const code = this.#isOpener ? 'HEADERS_TOO_LARGE' : 'TARGET_BROKE_OFF';
      return this.#fail(overLimit(code, 'trailer section', fault));
    }
    this.#advanceSending('end');
    if (this.#pendingBytes > 0) {
      this.#trailers = trailers;
      return;
    }
    this.#host.sendNow({ kind: 'end', stream: this.id, trailers });
    this.#closeWhenEnded();
  }

  /** Ends the stream at once, both halves, and tells the peer; the own handler is not called. */
  reset(error: TunnelError): void {
    this.#reset(error);
  }

  /**
   * The response is complete and the rest of the request not wanted: at the acceptor after `end` (an
   * answer that was early still goes out whole), at the opener after `onEnd`. No fault.
   */
  stop(): void {
    if (this.#isClosed) return;
    if (!this.#isResponseGiven) {
      return this.reset(new TunnelError('INTERNAL', 'stopped before the response was complete'));
    }
    this.#isReaderGone = true;
    if (!this.#isOpener && this.#trailers !== undefined) this.#isStopWanted = true;
    else this.#reset(undefined);
  }

  get #isResponseGiven(): boolean {
    return (this.#isOpener ? this.#receiving : this.#sending) === 'ended';
  }

  #reset(error: TunnelError | undefined): void {
    if (this.#isClosed) return;
    const stream = this.id;
    const { code, message, retryAfterSeconds = 0 } = error ?? { code: '', message: '' };
    this.#host.sendNow({ kind: 'reset', stream, code, message, retryAfterSeconds });
    this.#close(true, error);
  }

  /** A fault found here: ends the stream for both ends. */
  #fail(error: TunnelError): void {
    if (this.#isClosed) return;
    this.reset(error);
    this.#tell((handler) => handler.onReset(error));
  }

  /** The reader has taken that many bytes of what `onData` gave. */
  consumed(bytes: number): void {
    const credit = this.#receiveWindow.consumed(bytes);
    // once the peer's half is complete it has no use for credit
    if (credit > 0 && !this.#isClosed && this.#receiving !== 'ended') {
      this.#host.sendNow({ kind: 'credit', stream: this.id, bytes: credit });
    }
  }

  /** The reader is gone for good: bytes given to it and not consumed are not held any more. */
  discard(): void {
    this.#isReaderGone = true;
    if (this.#isClosed) this.#receiveWindow.discard();
  }

  // ---- the multiplexer's side -------------------------------------------------------------------

  /** Whether there is data that credit allows to send. */
  get isSendable(): boolean {
    return this.#pendingBytes > 0 && this.#sendWindow.available > 0;
  }

  /** Bytes waiting to be sent. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes that `takeData` would give now. */
  get nextDataBytes(): number {
    const given = this.#pending[0]?.length ?? 0;
    return Math.min(given, this.#sendWindow.available, PROTOCOL_LIMITS.maxDataBytes);
  }

  /** The next piece of data for the writer, as the source gave it if credit allows; only when `isSendable`. */
  takeData(): Buffer {
    const first = this.#pending[0] ?? Buffer.alloc(0);
    const allowed = this.nextDataBytes;
    const piece = first.length <= allowed ? first : first.subarray(0, allowed);
    if (piece === first) this.#pending.shift();
    else this.#pending[0] = first.subarray(allowed);
    this.#pendingBytes -= piece.length;
    this.#sendWindow.take(piece.length);
    this.sentBytes += piece.length;
    return piece;
  }

  /** Called after each turn: resumes the source, or completes our half after its last bytes. */
  dataTaken(): void {
    if (this.#pendingBytes === 0 && this.#trailers !== undefined) {
      this.#host.sendNow({ kind: 'end', stream: this.id, trailers: this.#trailers });
      this.#trailers = undefined;
      this.#closeWhenEnded();
      if (this.#isStopWanted) this.stop();
    } else if (this.#isSourcePaused && this.#pendingBytes < SEND_BUFFER_BYTES / 2) {
      this.#isSourcePaused = false;
      this.#tell((handler) => handler.onWritable());
    }
  }

  /** Takes a frame of the peer. Throws PROTOCOL_VIOLATION. */
  receive(frame: Exclude<StreamFrame, { kind: 'open' }>): void {
    switch (frame.kind) {
      case 'data':
        return this.#receiveData(frame);
      case 'credit':
        return this.#receiveCredit(frame.bytes);
      case 'head':
        this.#receiving = advance(this.#receiving, headEvent(frame.status, frame.ended));
        this.#deliver(frame);
        return this.#closeWhenEnded();
      case 'end':
        this.#receiving = advance(this.#receiving, 'end');
        this.#deliver(frame);
        return this.#closeWhenEnded();
      case 'reset':
        return this.#receiveReset(frame);
    }
  }

  /** The session is gone: ends the stream and tells the handler. */
  abort(error: TunnelError): void {
    if (this.#isClosed) return;
    this.#close(true, error);
    this.#tell((handler) => handler.onReset(error));
  }

  #receiveData(frame: DataFrame): void {
    this.#receiving = advance(this.#receiving, 'data');
    // credit does not bound how many of them wait for the reader
    if (frame.bytes.length === 0) throw new TunnelError('PROTOCOL_VIOLATION', 'data of no bytes');
    this.#receiveWindow.received(frame.bytes.length);
    this.receivedBytes += frame.bytes.length;
    this.#deliver(frame);
  }

  #deliver(frame: HeldFrame): void {
    if (this.#handler === undefined) {
      this.#held.push(frame);
      this.#arrived();
      return;
    }
    try {
      if (frame.kind === 'data') this.#handler.onData(frame.bytes);
      else if (frame.kind === 'head') this.#handler.onHead(frame);
      else this.#handler.onEnd(frame.trailers);
    } catch (reason) {
      this.#handlerThrew(reason);
    }
  }

  #arrived(): void {
    const listener = this.#onArrival;
    this.#onArrival = undefined;
    try {
      listener?.();
    } catch (reason) {
      this.#handlerThrew(reason);
    }
  }

  /** A fault of one exchange must not reach the others of the session. */
  #tell(call: (handler: StreamHandler) => void): void {
    if (this.#handler === undefined) return;
    try {
      call(this.#handler);
    } catch (reason) {
      this.#handlerThrew(reason);
    }
  }

  #handlerThrew(reason: unknown): void {
    this.#host.handlerThrew(reason);
    this.#fail(tunnelErrorFrom(reason));
  }

  #receiveCredit(bytes: number): void {
    const wasEmpty = this.#sendWindow.available === 0;
    this.#sendWindow.grant(bytes);
    if (wasEmpty && this.#pendingBytes > 0) this.#host.hasData(this);
  }

  #receiveReset(frame: ResetFrame): void {
    const isStop = frame.code === '';
    const isWholeHere = this.#isResponseGiven && (this.#isOpener || this.#trailers === undefined);
    if (isStop && !isWholeHere) {
      throw new TunnelError('PROTOCOL_VIOLATION', 'a stream ended without its response');
    }
    const error = isStop ? undefined : errorFromReset(frame);
    this.#close(!isStop || !this.#isOpener, error);
    this.#tell((handler) => handler.onReset(error));
  }

  /** A wrong step of our own is a fault in Fairlead, not of the peer. */
  #advanceSending(event: HalfEvent): void {
    const next = nextHalfState(this.#sending, event);
    if (next === undefined) {
      throw new TunnelError('INTERNAL', `tried to send ${event} in state ${this.#sending}`);
    }
    this.#sending = next;
  }

  #closeWhenEnded(): void {
    if (this.#sending === 'ended' && this.#receiving === 'ended' && this.#trailers === undefined) {
      this.#close(false, undefined);
    }
  }

  /** `isCut`: nobody is going to read what is left of the peer's half. */
  #close(isCut: boolean, error: TunnelError | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#trailers = undefined;
    this.#held = [];
    const isRead = !isCut && !this.#isReaderGone && this.#handler !== undefined;
    if (isRead) this.#receiveWindow.close();
    else this.#receiveWindow.discard();
    this.#host.streamClosed(this);
    this.onClosed?.();
    this.observer?.closed(error);
    this.#arrived();
  }
}

function errorFromReset(frame: ResetFrame): TunnelError {
  const retryAfterSeconds = frame.retryAfterSeconds;
  // a peer of another version may know codes that we do not
  const code = isErrorCode(frame.code) ? frame.code : 'AGENT_LOST';
  const message = frame.message.slice(0, MAX_TEXT_LENGTH);
  return new TunnelError(code, message, retryAfterSeconds === 0 ? {} : { retryAfterSeconds });
}

/** The state after an event of the peer. Throws PROTOCOL_VIOLATION when it is not allowed. */
function advance(state: HalfState, event: HalfEvent): HalfState {
  const next = nextHalfState(state, event);
  if (next === undefined) {
    throw new TunnelError('PROTOCOL_VIOLATION', `${event} on a stream in state ${state}`);
  }
  return next;
}

function overLimit(code: ErrorCode, what: string, fault: string): TunnelError {
  return new TunnelError(code, `the ${what} has ${fault}`);
}
