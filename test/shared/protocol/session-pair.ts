/**
 * Two sessions over a link in memory: the dialling end (an agent) and the accepting one (a controller),
 * past their handshake. Nothing moves unless the test steps the link or lets it settle.
 */
import type { TunnelError } from '../../../shared/errors.js';
import { BufferBudget } from '../../../shared/protocol/buffer-budget.js';
import type { HelloFrame, RequestHead, WelcomeFrame } from '../../../shared/protocol/frame.js';
import { TunnelSession } from '../../../shared/protocol/tunnel-session.js';
import type {
  HandshakeFrame,
  SessionLimits,
  SessionLink,
} from '../../../shared/protocol/tunnel-session.js';
import type { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';
import type { Clock } from '../../../shared/clock.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { FrameLinkPair } from '../../harness/frame-link.js';
import { seededRandom } from '../../harness/seeded-random.js';

export const TEST_LIMITS: SessionLimits = {
  maxStreamsPerSession: 100,
  initialWindowBytes: 256 * 1024,
  maxWindowBytes: 1024 * 1024,
  sessionBufferBudgetBytes: 64 * 1024 * 1024,
  heartbeatIntervalMs: 10_000,
  heartbeatTimeoutMs: 25_000,
};

/** An agent's first frame. */
export function helloFrame(window: number): HelloFrame {
  return {
    kind: 'hello',
    version: 1,
    minVersion: 1,
    capabilities: [],
    build: '0.0.0',
    hostname: 'host',
    instance: 'instance',
    generation: 1,
    services: [],
    annotations: {},
    window,
  };
}

/** A controller's answer. */
export function welcomeFrame(window: number): WelcomeFrame {
  return {
    kind: 'welcome',
    version: 1,
    capabilities: [],
    build: '0.0.0',
    session: 'session',
    services: [],
    window,
  };
}

/** One end of a session and what happened there. */
export class SessionEnd {
  readonly session: TunnelSession;
  readonly budget: BufferBudget;
  readonly closed: { readonly error: TunnelError; readonly final: boolean }[] = [];
  readonly faults: unknown[] = [];
  readonly accepted: TunnelStream[] = [];
  /** How often the peer said that it drains, or offers something else. */
  changes = 0;
  /** Takes a stream that the peer opened. */
  accept: (stream: TunnelStream, head: RequestHead) => void = () => undefined;

  constructor(link: SessionLink, isDialer: boolean, limits: SessionLimits, clock: Clock) {
    this.budget = new BufferBudget(limits.sessionBufferBudgetBytes);
    const window = limits.initialWindowBytes;
    const onHandshake = (frame: HandshakeFrame): void => {
      if (frame.kind === 'welcome') this.session.established(frame);
      if (frame.kind !== 'hello') return;
      this.session.send(welcomeFrame(window));
      this.session.established(frame);
    };
    this.session = new TunnelSession({
      link,
      isDialer,
      limits,
      processBudget: this.budget,
      clock,
      peerText: () => (isDialer ? 'the controller' : 'agent "test"'),
      events: {
        onHandshake,
        onStream: (stream, head) => {
          this.accepted.push(stream);
          this.accept(stream, head);
        },
        onPeerChanged: () => {
          this.changes++;
        },
        onRtt: () => undefined,
        onHandlerFault: (reason) => void this.faults.push(reason),
        onClosed: (error, final) => void this.closed.push({ error, final }),
      },
    });
    if (isDialer) this.session.send(helloFrame(window));
  }
}

/** How a pair is set up. */
export interface SessionPairOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly random?: () => number;
  readonly rebatches?: boolean;
}

/** Both ends, their link and their clock. */
export class SessionPair {
  readonly clock = new FakeClock();
  readonly link: FrameLinkPair;
  readonly dialer: SessionEnd;
  readonly acceptor: SessionEnd;

  constructor(options: SessionPairOptions = {}) {
    const limits = { ...TEST_LIMITS, ...options.limits };
    const { random = seededRandom(1), rebatches = false } = options;
    this.link = new FrameLinkPair({ random, rebatches });
    this.dialer = new SessionEnd(this.link.first, true, limits, this.clock);
    this.acceptor = new SessionEnd(this.link.second, false, limits, this.clock);
    this.link.join(this.dialer.session, this.acceptor.session);
  }

  /** A pair whose handshake is done. */
  static async serving(options: SessionPairOptions = {}): Promise<SessionPair> {
    const pair = new SessionPair(options);
    await pair.settle();
    return pair;
  }

  get ends(): readonly [SessionEnd, SessionEnd] {
    return [this.dialer, this.acceptor];
  }

  /** Lets everything that is under way arrive. */
  async settle(): Promise<void> {
    await this.link.settle();
  }
}

/** A request for a test. */
export function requestHead(head: Partial<RequestHead> = {}): RequestHead {
  return {
    service: { type: 'jenkins', name: 'ci' },
    method: 'GET',
    target: '/',
    headers: [],
    ended: true,
    upgrade: false,
    ...head,
  };
}
