/**
 * One session with a controller: dial, hello, prove, serve until it ends. Tries nothing again;
 * stay-connected.ts does.
 */
import type { Clock, Timer } from '../../shared/clock.js';
import type { HostPort } from '../../shared/config/host-port.js';
import { TunnelError, errorText } from '../../shared/errors.js';
import { signNonce } from '../../shared/protocol/agent-proof.js';
import type { BufferBudget } from '../../shared/protocol/buffer-budget.js';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../../shared/protocol/frame.js';
import type { RequestHead, WelcomeFrame } from '../../shared/protocol/frame.js';
import { linkOverCall } from '../../shared/protocol/tunnel-rpc.js';
import { TunnelSession } from '../../shared/protocol/tunnel-session.js';
import type { HandshakeFrame, SessionLimits } from '../../shared/protocol/tunnel-session.js';
import type { TunnelStream } from '../../shared/protocol/tunnel-stream.js';
import type { ServiceAdvertisement } from '../../shared/service-advertisement.js';
import { dialController } from './controller-dial.js';
import { dialFault } from './dial-fault.js';

/** The agent's certificate and what it trusts; read anew for each session, so that new files are used. */
export interface LinkIdentity {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** The certificate alone, DER, for the in-band proof. */
  readonly certificateDer: Buffer;
}

/** What a session with a controller needs. */
export interface ConnectParts {
  readonly identity: LinkIdentity;
  /** Undefined: plain text, TLS is added on the way. */
  readonly useTls: boolean;
  readonly serverName: string | undefined;
  readonly limits: SessionLimits & { readonly connectTimeoutMs: number };
  readonly processBudget: BufferBudget;
  readonly clock: Clock;
  readonly version: string;
  readonly hostname: string;
  /** Drawn once per process. */
  readonly instance: string;
  /** Counts the sessions of this process. */
  readonly generation: number;
  /** Gives up a session that does not serve yet. */
  readonly signal?: AbortSignal | undefined;
  services(): readonly ServiceAdvertisement[];
  annotations(): Readonly<Record<string, string>>;
  onStream(stream: TunnelStream, head: RequestHead): void;
  onRtt(rttMs: number): void;
  /** Code that handles a stream threw this. */
  onHandlerFault(reason: unknown): void;
}

/** How a session ended. */
export interface SessionEnd {
  readonly error: TunnelError;
  /** The controller said that trying again is useless: identity or version refused. */
  readonly final: boolean;
}

/** A session that serves. */
export interface ServingSession {
  readonly tunnel: TunnelSession;
  readonly welcome: WelcomeFrame;
  /** Resolves when the controller drains: another session should be opened before this one ends. */
  readonly draining: Promise<void>;
  readonly closed: Promise<SessionEnd>;
}

/** The session could not be opened; `end` says why. */
export interface FailedSession {
  readonly end: SessionEnd;
}

/** Resolves when the session serves or has failed; never rejects. */
export async function connectOnce(
  address: HostPort,
  parts: ConnectParts,
): Promise<ServingSession | FailedSession> {
  try {
    return await new Connection(address, parts).opened;
  } catch (cause) {
    const text = `cannot dial the controller: ${errorText(cause)}`;
    return { end: { error: new TunnelError('AGENT_LOST', text, { cause }), final: false } };
  }
}

class Connection {
  readonly opened: Promise<ServingSession | FailedSession>;
  readonly #address: HostPort;
  readonly #parts: ConnectParts;
  readonly #tunnel: TunnelSession;
  readonly #closed: Promise<SessionEnd>;
  readonly #draining: Promise<void>;
  readonly #timer: Timer;
  #resolveOpened: (outcome: ServingSession | FailedSession) => void = () => undefined;
  #resolveClosed: (end: SessionEnd) => void = () => undefined;
  #resolveDraining: () => void = () => undefined;
  readonly #onAbort = (): void => {
    if (this.#tunnel.state !== 'handshaking') return;
    this.#tunnel.close(new TunnelError('DRAINING', 'the dial was given up'));
  };

  constructor(address: HostPort, parts: ConnectParts) {
    this.#address = address;
    this.#parts = parts;
    this.opened = new Promise((resolve) => (this.#resolveOpened = resolve));
    this.#closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#draining = new Promise((resolve) => (this.#resolveDraining = resolve));
    const { identity, useTls, serverName, limits, processBudget, clock } = parts;
    const tls = useTls ? { ...identity, serverName } : undefined;
    const { call, destroy } = dialController(address, tls);
    const link = linkOverCall(call, destroy);
    this.#tunnel = new TunnelSession({
      link,
      isDialer: true,
      limits,
      processBudget,
      clock,
      peerText: () => 'the controller',
      events: {
        onHandshake: (frame) => this.#handshake(frame),
        onStream: (stream, head) => parts.onStream(stream, head),
        onPeerChanged: () => {
          if (!this.#tunnel.isServing) this.#resolveDraining();
        },
        onRtt: (rttMs) => parts.onRtt(rttMs),
        onHandlerFault: (reason) => parts.onHandlerFault(reason),
        onClosed: (error, final) => this.#ended({ error, final }),
      },
    });
    link.start({
      receive: (message) => this.#tunnel.receive(message),
      lost: (error) => this.#tunnel.linkLost(error),
    });
    this.#hello();
    // keeps the process alive while there is no connection yet that would
    this.#timer = clock.after(limits.connectTimeoutMs, () => this.#timedOut(), true);
    parts.signal?.addEventListener('abort', this.#onAbort);
    if (parts.signal?.aborted === true) this.#onAbort();
  }

  #hello(): void {
    const { version, hostname, instance, generation, limits } = this.#parts;
    this.#tunnel.send({
      kind: 'hello',
      version: PROTOCOL_VERSION,
      minVersion: OLDEST_PROTOCOL_VERSION,
      capabilities: [],
      build: version,
      hostname,
      instance,
      generation,
      services: this.#parts.services(),
      annotations: this.#parts.annotations(),
      window: limits.initialWindowBytes,
    });
  }

  #handshake(frame: HandshakeFrame): void {
    if (frame.kind === 'welcome') return this.#welcomed(frame);
    if (frame.kind !== 'challenge') {
      throw new TunnelError('PROTOCOL_VIOLATION', `unexpected ${frame.kind} from the controller`);
    }
    const { certificateDer, keyPem } = this.#parts.identity;
    const signature = signNonce(frame.nonce, keyPem);
    this.#tunnel.send({ kind: 'proof', certificate: certificateDer, signature });
  }

  #welcomed(welcome: WelcomeFrame): void {
    if (welcome.version < OLDEST_PROTOCOL_VERSION || welcome.version > PROTOCOL_VERSION) {
      throw new TunnelError('PROTOCOL_VIOLATION', `version ${welcome.version} was not offered`);
    }
    this.#timer.cancel();
    this.#tunnel.established(welcome);
    this.#resolveOpened({
      tunnel: this.#tunnel,
      welcome,
      draining: this.#draining,
      closed: this.#closed,
    });
  }

  #timedOut(): void {
    if (this.#tunnel.state !== 'handshaking') return;
    const seconds = this.#parts.limits.connectTimeoutMs / 1000;
    const text = `no welcome within ${seconds} s (limits.connectTimeoutMs)`;
    this.#tunnel.close(new TunnelError('HEARTBEAT_LOST', text));
  }

  #ended(end: SessionEnd): void {
    this.#timer.cancel();
    this.#parts.signal?.removeEventListener('abort', this.#onAbort);
    this.#resolveOpened({ end: { ...end, error: dialFault(end.error, this.#address) } });
    this.#resolveClosed(end);
    this.#resolveDraining();
  }
}
