/**
 * One session from its first frame to its end, the same at both ends: multiplexer, heartbeat, drain and
 * close. The handshake (hello … welcome) belongs to the ends: controller/agents/agent-session.ts and
 * agent/controller-link/connect-once.ts.
 *
 *   handshaking --established()--> serving --drain, ours or theirs--> draining --> closed
 *        |                            |                                              ^
 *        +----------------------------+--- close, link lost, violation, silence -----+
 */
import type { Clock } from '../clock.js';
import { TunnelError, isErrorCode, tunnelErrorFrom } from '../errors.js';
import type { ServiceAdvertisement } from '../service-advertisement.js';
import { BufferBudget } from './buffer-budget.js';
import type { FrameLink } from './fair-writer.js';
import type { CloseFrame, HelloFrame, RequestHead, SessionFrame, WelcomeFrame } from './frame.js';
import { Heartbeat } from './heartbeat.js';
import { Multiplexer } from './multiplexer.js';
import type { StreamHandler, TunnelStream } from './tunnel-stream.js';

/** The limits that concern a session; a slice of the `limits` section of the configuration. */
export interface SessionLimits {
  readonly maxStreamsPerSession: number;
  readonly initialWindowBytes: number;
  readonly maxWindowBytes: number;
  readonly sessionBufferBudgetBytes: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
}

/** The link of a session: batches out, and the transport's end. */
export interface SessionLink extends FrameLink {
  /** Ends the transport after what was sent has left. */
  close(): void;
}

/** Frames of the handshake. */
export type HandshakeFrame =
  HelloFrame | WelcomeFrame | Extract<SessionFrame, { kind: 'challenge' | 'proof' }>;

/** Who gets what happens in a session. */
export interface SessionEvents {
  onHandshake(frame: HandshakeFrame): void;
  /** The peer opened a stream; attach a handler before returning. */
  onStream(stream: TunnelStream, head: RequestHead): void;
  /** The peer drains, or its services changed: what it offers is different now. */
  onPeerChanged(): void;
  onRtt(rttMs: number): void;
  /** A stream's handler threw this, which is a fault in Fairlead; its stream was reset. For the log. */
  onHandlerFault?(reason: unknown): void;
  /** The session is over; called once, last. `final`: the peer says that trying again is useless. */
  onClosed(error: TunnelError, final: boolean): void;
}

/** How a session is set up. */
export interface SessionOptions {
  readonly link: SessionLink;
  readonly isDialer: boolean;
  readonly limits: SessionLimits;
  readonly processBudget: BufferBudget;
  readonly clock: Clock;
  readonly events: SessionEvents;
  /** Names the peer in error texts: `agent "prod-eu"`, `controller`. */
  readonly peerText: () => string;
}

/** Where a session is in its life. */
export type SessionState = 'handshaking' | 'serving' | 'draining' | 'closed';

/** Session frames a peer may send between two heartbeats: far more than any honest one does. */
const MAX_SESSION_FRAMES = 1000;

/** Length of a reason that a peer may make us log. */
const MAX_TEXT_LENGTH = 2000;

/** One connected peer. */
export class TunnelSession {
  readonly #options: SessionOptions;
  readonly #multiplexer: Multiplexer;
  readonly #heartbeat: Heartbeat;
  #state: SessionState = 'handshaking';
  #peerServices: readonly ServiceAdvertisement[] = [];
  #isPeerDraining = false;
  #sessionFrames = 0;
  #lastPing = 0;
  /** The ping whose answer shows that the peer has heard of our drain. */
  #drainPing: number | undefined;
  #drained: Promise<void> | undefined;
  #onDrained: (() => void) | undefined;

  constructor(options: SessionOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#multiplexer = new Multiplexer({
      link: options.link,
      isDialer: options.isDialer,
      maxStreams: limits.maxStreamsPerSession,
      initialWindowBytes: limits.initialWindowBytes,
      acceptedWindowBytes: limits.initialWindowBytes,
      maxWindowBytes: limits.maxWindowBytes,
      budget: new BufferBudget(limits.sessionBufferBudgetBytes, options.processBudget),
      rttMs: () => this.#heartbeat.pathRttMs,
      nowMs: () => clock.monotonicMs(),
      events: {
        onStream: (stream, head) => this.#acceptStream(stream, head),
        onSessionFrame: (frame) => this.#receiveSessionFrame(frame),
        onIdle: () => this.#finishDrain(),
        onHandlerFault: (reason) => options.events.onHandlerFault?.(reason),
      },
    });
    this.#heartbeat = new Heartbeat({
      clock,
      intervalMs: limits.heartbeatIntervalMs,
      timeoutMs: limits.heartbeatTimeoutMs,
      sendPing: (id) => this.#multiplexer.send({ kind: 'ping', id }),
      onRtt: (rttMs) => options.events.onRtt(rttMs),
      onDead: (silentMs) => this.#peerSilent(silentMs),
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether new streams may be opened: our own drain asks the peer to open none, not us. */
  get isServing(): boolean {
    return (this.#state === 'serving' || this.#state === 'draining') && !this.#isPeerDraining;
  }

  get openStreams(): number {
    return this.#multiplexer.openStreams;
  }

  get queuedBytes(): number {
    return this.#multiplexer.queuedBytes;
  }

  get rttMs(): number | undefined {
    return this.#heartbeat.rttMs;
  }

  /** Wall-clock time of the last heartbeat of the peer, ms; 0 before the first. */
  get lastPing(): number {
    return this.#lastPing;
  }

  /** What the peer reaches. */
  get peerServices(): readonly ServiceAdvertisement[] {
    return this.#peerServices;
  }

  /** Sends a frame of the handshake, or news of our services. */
  send(frame: HandshakeFrame | Extract<SessionFrame, { kind: 'services' }>): void {
    this.#multiplexer.send(frame);
  }

  /** The handshake is done: streams may open. */
  established(peer: { services: readonly ServiceAdvertisement[]; window: number }): void {
    if (this.#state !== 'handshaking') return;
    this.#state = 'serving';
    this.#peerServices = peer.services;
    this.#multiplexer.setPeerWindow(peer.window);
    this.#heartbeat.ping(); // the first one also measured the dialling
  }

  /** Opens a stream. Throws what Multiplexer.open does. */
  open(head: RequestHead, handler: StreamHandler): TunnelStream {
    return this.#multiplexer.open(head, handler);
  }

  /** Takes one message of the link. */
  receive(message: Buffer): void {
    this.#heartbeat.heard();
    try {
      this.#multiplexer.receive(message);
    } catch (reason) {
      const error = tunnelErrorFrom(reason);
      this.close(error, error.code === 'PROTOCOL_VIOLATION');
    }
  }

  /** The link ended by itself. */
  linkLost(error: TunnelError): void {
    this.#end(error, false);
  }

  /**
   * Tells the peer to open no more streams, and resolves when it has heard it and the open ones are done
   * (or the session is over). Streams that were under way are still taken, so that a drain refuses
   * nothing. Ends nothing by force: the caller sets the deadline and then closes. A session that does
   * not serve yet is closed. Twice is safe: both wait for the same.
   */
  async drain(reason: string): Promise<void> {
    if (this.#state === 'handshaking') this.close(new TunnelError('DRAINING', reason));
    if (this.#state === 'closed') return;
    this.#drained ??= this.#startDrain(reason);
    await this.#drained;
  }

  /** Ends the session, telling the peer why; `final` asks it not to come back. Twice is safe. */
  close(error: TunnelError, final = false): void {
    if (this.#state === 'closed') return;
    this.#multiplexer.sendLast({ kind: 'close', code: error.code, message: error.message, final });
    this.#end(error, false);
  }

  #startDrain(reason: string): Promise<void> {
    this.#state = 'draining';
    this.#multiplexer.send({ kind: 'drain', reason });
    this.#drainPing = this.#heartbeat.ping();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #end(error: TunnelError, final: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#heartbeat.stop();
    this.#multiplexer.close(streamErrorOf(error, this.#options.peerText()));
    this.#onDrained?.();
    this.#options.link.close();
    this.#options.events.onClosed(error, final);
  }

  #acceptStream(stream: TunnelStream, head: RequestHead): void {
    if (this.#state === 'handshaking') {
      throw new TunnelError('PROTOCOL_VIOLATION', 'stream opened before the handshake was done');
    }
    this.#options.events.onStream(stream, head);
  }

  #receiveSessionFrame(frame: SessionFrame): void {
    if (++this.#sessionFrames > MAX_SESSION_FRAMES) {
      throw new TunnelError('PROTOCOL_VIOLATION', 'session frames without end');
    }
    switch (frame.kind) {
      case 'ping':
        this.#lastPing = this.#options.clock.now();
        return this.#multiplexer.send({ kind: 'pong', id: frame.id });
      case 'pong':
        if (!this.#heartbeat.pong(frame.id)) return;
        this.#sessionFrames = 0;
        this.#multiplexer.forgetStrays();
        return this.#drainHeard(frame.id);
      case 'drain':
        this.#checkServing(frame);
        this.#isPeerDraining = true;
        return this.#options.events.onPeerChanged();
      case 'services':
        this.#checkServing(frame);
        this.#peerServices = frame.services;
        return this.#options.events.onPeerChanged();
      case 'close':
        return this.#end(errorFromClose(frame), frame.final);
      default:
        if (this.#state !== 'handshaking') {
          throw new TunnelError('PROTOCOL_VIOLATION', `${frame.kind} after the handshake`);
        }
        return this.#options.events.onHandshake(frame);
    }
  }

  #checkServing(frame: SessionFrame): void {
    if (this.#state !== 'handshaking') return;
    throw new TunnelError('PROTOCOL_VIOLATION', `${frame.kind} before the handshake was done`);
  }

  #drainHeard(pongId: number): void {
    if (this.#drainPing === undefined || pongId < this.#drainPing) return;
    this.#drainPing = undefined;
    this.#multiplexer.refuseStreams(
      new TunnelError('DRAINING', 'draining', { retryAfterSeconds: 1 }),
    );
    this.#finishDrain();
  }

  #finishDrain(): void {
    if (this.#drainPing === undefined && this.openStreams === 0) this.#onDrained?.();
  }

  #peerSilent(silentMs: number): void {
    const seconds = Math.round(silentMs / 1000);
    this.close(
      new TunnelError(
        'HEARTBEAT_LOST',
        `${this.#options.peerText()} has not been heard for ${seconds} s`,
      ),
    );
  }
}

function errorFromClose(frame: CloseFrame): TunnelError {
  const code = isErrorCode(frame.code) ? frame.code : 'AGENT_LOST';
  return new TunnelError(code, `closed by the peer: ${frame.message.slice(0, MAX_TEXT_LENGTH)}`);
}

/** What callers of open streams are told when the session ends: always that it was lost, and why. */
function streamErrorOf(error: TunnelError, peerText: string): TunnelError {
  return new TunnelError('AGENT_LOST', `${peerText} was lost: ${error.message}`, { cause: error });
}
