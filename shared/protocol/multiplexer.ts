/**
 * Many streams over one link: numbers them, hands frames to the stream they belong to, keeps the limits.
 * The same class at both ends. Session frames are passed to the session; what a stream carries is the
 * business of its handler.
 */
import { TunnelError, tunnelErrorFrom } from '../errors.js';
import { Slots } from '../slots.js';
import type { BufferBudget } from './buffer-budget.js';
import { FairWriter } from './fair-writer.js';
import type { FrameLink } from './fair-writer.js';
import { ReceiveWindow, SendWindow } from './flow-window.js';
import type { WindowSizing } from './flow-window.js';
import { decodeBatch } from './frame-decoder.js';
import type {
  DataFrame,
  Frame,
  OpenFrame,
  RequestHead,
  SessionFrame,
  StreamFrame,
} from './frame.js';
import { headFault } from './head-limits.js';
import { TunnelStream } from './tunnel-stream.js';
import type { StreamHandler, StreamHost } from './tunnel-stream.js';

/** Who gets what the multiplexer does not handle itself. */
export interface MultiplexerEvents {
  /** The peer opened a stream; attach a handler before returning. */
  onStream(stream: TunnelStream, head: RequestHead): void;
  onSessionFrame(frame: SessionFrame): void;
  /** The last open stream has ended. */
  onIdle(): void;
  /** The handler of a stream threw this, and its stream was reset. */
  onHandlerFault(reason: unknown): void;
}

/** How a multiplexer is set up. */
export interface MultiplexerOptions {
  readonly link: FrameLink;
  readonly events: MultiplexerEvents;
  /** The dialling end opens odd stream numbers, the other even ones. */
  readonly isDialer: boolean;
  readonly maxStreams: number;
  /** Window of a stream that we open, for its response, while the budget has room. */
  readonly initialWindowBytes: number;
  /** Window of a stream that the peer opens, as hello or welcome told it. */
  readonly acceptedWindowBytes: number;
  readonly maxWindowBytes: number;
  readonly budget: BufferBudget;
  readonly rttMs: () => number | undefined;
  readonly nowMs: () => number;
}

/** Frames for streams that are over are normal while they are under way, but not without end. */
const MAX_STRAY_FRAMES = 100_000;

/** Answers that wait for a peer which goes on opening streams: far more than an honest one leaves. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** The streams of one session. */
export class Multiplexer implements StreamHost {
  readonly #options: MultiplexerOptions;
  readonly #writer: FairWriter;
  readonly #sizing: WindowSizing;
  readonly #streams = new Slots<TunnelStream>();
  /** Place of each stream by its number; counts them, so that an entry left behind shows. */
  readonly #slots = new Map<number, number>();
  #nextId: number;
  #lastAccepted = 0;
  #peerWindow = 0;
  #strayFrames = 0;
  #refusal: TunnelError | undefined;
  #isClosed = false;
  readonly #onFrame = (frame: Frame) => this.#dispatch(frame);

  constructor(options: MultiplexerOptions) {
    this.#options = options;
    this.#writer = new FairWriter(options.link, () => this.#slots.size > 1, options.nowMs);
    this.#nextId = options.isDialer ? 1 : 2;
    const { maxWindowBytes, budget, rttMs, nowMs } = options;
    this.#sizing = { maxWindowBytes, budget, rttMs, nowMs, reachedBytes: 0, openedStreams: 0 };
  }

  get openStreams(): number {
    return this.#slots.size;
  }

  /** Bytes held for streams of this session, in both directions. */
  get queuedBytes(): number {
    let bytes = this.#writer.linkBytes;
    for (const stream of this.#streams) bytes += stream.queuedBytes;
    return bytes;
  }

  /** Sets the credit that streams we open start with, as the peer announced it. */
  setPeerWindow(bytes: number): void {
    this.#peerWindow = bytes;
  }

  /** From now on streams of the peer are answered with this error. */
  refuseStreams(error: TunnelError): void {
    this.#refusal = error;
  }

  /**
   * Opens a stream. Throws HEADERS_TOO_LARGE, TOO_MANY_STREAMS, BUFFERS_SPENT, or AGENT_LOST when the
   * session is over.
   */
  open(head: RequestHead, handler: StreamHandler): TunnelStream {
    const window = this.#admit(head);
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = new TunnelStream({
      id,
      host: this,
      sendWindow: new SendWindow(this.#peerWindow),
      receiveWindow: this.#receiveWindow(window),
      sending: head.ended ? 'ended' : 'body',
      receiving: 'head',
    });
    stream.attach(handler);
    this.#add(stream);
    // member by member: the head given may be a frame of another stream
    const { service, method, target, headers, ended, upgrade } = head;
    this.#writer.sendNow({
      kind: 'open',
      stream: id,
      service,
      method,
      target,
      headers,
      ended,
      upgrade,
      window,
    });
    return stream;
  }

  /** Sends a session frame. */
  send(frame: SessionFrame): void {
    this.#writer.sendNow(frame);
  }

  /** Sends what is queued, and this frame last; `close` follows. */
  sendLast(frame: SessionFrame): void {
    this.#writer.sendLast(frame);
  }

  /** Takes one gRPC message of the peer. Throws PROTOCOL_VIOLATION. */
  receive(message: Buffer): void {
    if (!this.#isClosed) decodeBatch(message, this.#onFrame);
  }

  /** Stray frames are counted per heartbeat. */
  forgetStrays(): void {
    this.#strayFrames = 0;
  }

  /** Ends everything: each open stream is told `error`. Twice is safe. */
  close(error: TunnelError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer.close();
    for (const stream of [...this.#streams]) stream.abort(error);
  }

  // ---- StreamHost -------------------------------------------------------------------------------

  sendNow(frame: Exclude<StreamFrame, DataFrame>): void {
    this.#writer.sendNow(frame);
  }

  hasData(stream: TunnelStream): void {
    this.#writer.hasData(stream);
  }

  streamClosed(stream: TunnelStream): void {
    this.#writer.forget(stream);
    this.#remove(stream.id);
    if (this.#slots.size === 0) this.#options.events.onIdle();
  }

  handlerThrew(reason: unknown): void {
    this.#options.events.onHandlerFault(reason);
  }

  #receiveWindow(bytes: number): ReceiveWindow {
    this.#sizing.openedStreams++;
    return new ReceiveWindow(bytes, this.#sizing);
  }

  #add(stream: TunnelStream): void {
    this.#slots.set(stream.id, this.#streams.add(stream));
  }

  #remove(id: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#streams.remove(slot);
  }

  #admit(head: RequestHead): number {
    const fault = headFault(head.headers, head.target.length);
    if (fault !== undefined) {
      throw new TunnelError('HEADERS_TOO_LARGE', `the request has ${fault}`);
    }
    if (this.#isClosed) throw new TunnelError('AGENT_LOST', 'the session has ended');
    if (this.#slots.size >= this.#options.maxStreams) throw tooManyStreams(this.#options);
    const window = this.#options.budget.reserveWindow(this.#options.initialWindowBytes);
    if (window === 0) throw buffersSpent(head);
    return window;
  }

  #dispatch(frame: Frame): void {
    if (this.#isClosed) return;
    if (!('stream' in frame)) return this.#options.events.onSessionFrame(frame);
    if (frame.kind === 'open') return this.#accept(frame);
    const slot = this.#slots.get(frame.stream);
    if (slot === undefined) return this.#stray(frame);
    this.#streams.at(slot)?.receive(frame);
  }

  #accept(frame: OpenFrame): void {
    const isTheirs = frame.stream % 2 === (this.#options.isDialer ? 0 : 1);
    if (!isTheirs || frame.stream <= this.#lastAccepted) {
      throw new TunnelError('PROTOCOL_VIOLATION', `stream ${frame.stream} opened out of order`);
    }
    if (this.#writer.urgentBytes > MAX_UNREAD_BYTES) {
      throw new TunnelError('PROTOCOL_VIOLATION', 'streams opened without reading the answers');
    }
    this.#lastAccepted = frame.stream;
    const window = frame.ended && !frame.upgrade ? 0 : this.#options.acceptedWindowBytes;
    const refusal = this.#refuse(window);
    if (refusal !== undefined) return this.#sendRefusal(frame.stream, refusal);
    const stream = new TunnelStream({
      id: frame.stream,
      host: this,
      sendWindow: new SendWindow(frame.window),
      receiveWindow: this.#receiveWindow(window),
      sending: 'head',
      receiving: frame.ended ? 'ended' : 'body',
    });
    this.#add(stream);
    try {
      this.#options.events.onStream(stream, frame);
    } catch (reason) {
      const error = tunnelErrorFrom(reason);
      if (error.code === 'PROTOCOL_VIOLATION') throw error;
      this.handlerThrew(reason);
      stream.reset(error);
    }
  }

  #refuse(window: number): TunnelError | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#slots.size >= this.#options.maxStreams) return tooManyStreams(this.#options);
    if (window > 0 && !this.#options.budget.reserve(window)) return buffersSpent(undefined);
    return undefined;
  }

  #sendRefusal(stream: number, error: TunnelError): void {
    const { code, message, retryAfterSeconds = 0 } = error;
    this.#writer.sendNow({ kind: 'reset', stream, code, message, retryAfterSeconds });
  }

  /** A frame of a stream that is over here, or that never was: the latter is a violation. */
  #stray(frame: Exclude<StreamFrame, OpenFrame>): void {
    const isOurs = frame.stream % 2 === this.#nextId % 2;
    const wasOpened = isOurs ? frame.stream < this.#nextId : frame.stream <= this.#lastAccepted;
    if (!wasOpened) {
      throw new TunnelError(
        'PROTOCOL_VIOLATION',
        `${frame.kind} for unknown stream ${frame.stream}`,
      );
    }
    if (++this.#strayFrames > MAX_STRAY_FRAMES) {
      throw new TunnelError('PROTOCOL_VIOLATION', 'frames without end for closed streams');
    }
  }
}

function tooManyStreams(options: MultiplexerOptions): TunnelError {
  return new TunnelError(
    'TOO_MANY_STREAMS',
    `the session carries ${options.maxStreams} streams already (limits.maxStreamsPerSession)`,
    { retryAfterSeconds: 1 },
  );
}

function buffersSpent(head: RequestHead | undefined): TunnelError {
  const what = head === undefined ? 'a request body' : `${head.method} request`;
  return new TunnelError(
    'BUFFERS_SPENT',
    `no buffer space left for ${what} (limits.processBufferBudgetBytes)`,
    { retryAfterSeconds: 1 },
  );
}
