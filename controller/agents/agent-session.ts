/**
 * One connected agent process, from its call to its end: who it is (agent-auth.ts), hello and welcome,
 * then streams both ways. Tells the registry when it serves and when it is gone.
 */
import type { Clock, Timer } from '../../shared/clock.js';
import type { X509Certificate } from 'node:crypto';
import { TunnelError, tunnelErrorFrom } from '../../shared/errors.js';
import type { AgentName, SessionId } from '../../shared/ids.js';
import { newSessionId, serviceText } from '../../shared/ids.js';
import type { ServiceRef } from '../../shared/ids.js';
import { LogField } from '../../shared/log.js';
import type { Log } from '../../shared/log.js';
import { newNonce } from '../../shared/protocol/agent-proof.js';
import type { BufferBudget } from '../../shared/protocol/buffer-budget.js';
import type { HelloFrame, RequestHead } from '../../shared/protocol/frame.js';
import { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from '../../shared/protocol/frame.js';
import { linkOverCall } from '../../shared/protocol/tunnel-rpc.js';
import { TunnelSession } from '../../shared/protocol/tunnel-session.js';
import type { HandshakeFrame, SessionLimits } from '../../shared/protocol/tunnel-session.js';
import type { TunnelStream } from '../../shared/protocol/tunnel-stream.js';
import type { ServiceAdvertisement } from '../../shared/service-advertisement.js';
import { agentOfCertificate, agentOfProof } from './agent-auth.js';
import type { AgentCall, AgentConnection } from './agent-connection.js';
import type { ConnectedAgent } from './connected-agent.js';

/** What a session needs of the controller. */
export interface AgentSessionParts {
  readonly limits: SessionLimits & { readonly connectTimeoutMs: number };
  readonly processBudget: BufferBudget;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** CAs whose agent certificates are accepted in-band. */
  readonly authorities: () => readonly X509Certificate[];
  /** What agents may reach through us. */
  services(): readonly ServiceAdvertisement[];
  /** The session serves: it may be chosen from now on. */
  onServing(session: AgentSession): void;
  /** An agent opened a stream to a service of ours. */
  onStream(session: AgentSession, stream: TunnelStream, head: RequestHead): void;
  onChanged(session: AgentSession): void;
  onRtt(session: AgentSession, rttMs: number): void;
  /** The session is over, whether it served or not. */
  onEnded(session: AgentSession): void;
  /** A session that served is over. */
  onClosed(session: AgentSession, error: TunnelError): void;
}

/** One agent process. */
export class AgentSession {
  readonly id: SessionId = newSessionId();
  readonly tunnel: TunnelSession;
  readonly #parts: AgentSessionParts;
  readonly #connection: AgentConnection;
  readonly #connectedAt: number;
  #name: AgentName | undefined;
  #hello: HelloFrame | undefined;
  #nonce: Buffer | undefined;
  #lastUse: number | undefined;
  #hasServed = false;
  readonly #handshakeTimer: Timer;

  constructor(call: AgentCall, connection: AgentConnection, parts: AgentSessionParts) {
    const { clock, limits } = parts;
    this.#parts = parts;
    this.#connection = connection;
    this.#connectedAt = clock.now();
    const link = linkOverCall(call, () => connection.breakCall(call));
    this.tunnel = new TunnelSession({
      link,
      isDialer: false,
      limits,
      processBudget: parts.processBudget,
      clock,
      peerText: () => `agent "${this.#name ?? '?'}"`,
      events: {
        onHandshake: (frame) => this.#handshake(frame),
        onStream: (stream, head) => parts.onStream(this, stream, head),
        onPeerChanged: () => parts.onChanged(this),
        onRtt: (rttMs) => {
          if (this.#hasServed) parts.onRtt(this, rttMs);
        },
        onHandlerFault: (err) =>
          parts.log.error({ err, [LogField.sessionId]: this.id }, 'internal fault'),
        onClosed: (error) => this.#closed(error),
      },
    });
    link.start({
      receive: (message) => this.tunnel.receive(message),
      lost: (error) => this.tunnel.linkLost(error),
    });
    this.#handshakeTimer = clock.after(limits.connectTimeoutMs, () => this.#handshakeTimedOut());
  }

  /** The agent's name; only of a session that serves or has served. */
  get name(): AgentName {
    if (this.#name === undefined) throw new TunnelError('INTERNAL', 'session without a name');
    return this.#name;
  }

  /** Process identity and generation: the same process replaces its older session. */
  get instance(): { readonly id: string; readonly generation: number } {
    return { id: this.#hello?.instance ?? '', generation: this.#hello?.generation ?? 0 };
  }

  /** How this agent offers a service: `configured` false means it cannot use it; undefined: not at all. */
  offers(service: ServiceRef): ServiceAdvertisement | undefined {
    return this.tunnel.peerServices.find(
      (offered) => offered.name === service.name && offered.type === service.type,
    );
  }

  /** Notes that a stream was opened on it. */
  used(): void {
    this.#lastUse = this.#parts.clock.now();
  }

  snapshot(): ConnectedAgent {
    return {
      name: this.name,
      session: this.id,
      state: this.tunnel.isServing ? 'serving' : 'draining',
      version: this.#hello?.build ?? '',
      hostname: this.#hello?.hostname ?? '',
      remoteAddress: this.#connection.peer.remoteAddress,
      services: this.tunnel.peerServices,
      annotations: this.#hello?.annotations ?? {},
      connectedAt: this.#connectedAt,
      lastPing: this.tunnel.lastPing,
      lastUse: this.#lastUse,
      rttMs: this.tunnel.rttMs,
      openStreams: this.tunnel.openStreams,
    };
  }

  #handshake(frame: HandshakeFrame): void {
    try {
      if (frame.kind === 'hello' && this.#hello === undefined) return this.#greeted(frame);
      if (frame.kind === 'proof' && this.#nonce !== undefined) {
        const { certificate, signature } = frame;
        const proof = { nonce: this.#nonce, certificate, signature };
        this.#nonce = undefined;
        this.#name = agentOfProof(proof, this.#parts.authorities(), this.#parts.clock.now());
        return this.#welcome();
      }
      throw new TunnelError('PROTOCOL_VIOLATION', `unexpected ${frame.kind}`);
    } catch (reason) {
      this.#refuse(tunnelErrorFrom(reason));
    }
  }

  #greeted(hello: HelloFrame): void {
    this.#hello = hello;
    if (hello.minVersion > PROTOCOL_VERSION || hello.version < OLDEST_PROTOCOL_VERSION) {
      throw new TunnelError(
        'VERSION_MISMATCH',
        `the agent speaks protocol ${hello.minVersion} to ${hello.version}, this controller ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`,
      );
    }
    const client = this.#connection.peer.clientCertificate;
    if (client === undefined) {
      this.#nonce = newNonce();
      this.tunnel.send({ kind: 'challenge', nonce: this.#nonce });
      return;
    }
    this.#name = agentOfCertificate(client);
    this.#welcome();
  }

  #welcome(): void {
    const hello = this.#hello;
    if (hello === undefined) return;
    const { parts, build } = { parts: this.#parts, build: this.#parts.version };
    this.tunnel.send({
      kind: 'welcome',
      version: Math.min(hello.version, PROTOCOL_VERSION),
      capabilities: [],
      build,
      session: this.id,
      services: parts.services(),
      window: parts.limits.initialWindowBytes,
    });
    this.#handshakeTimer.cancel();
    this.#connection.trusted();
    this.tunnel.established(hello);
    this.#hasServed = true;
    parts.log.info(
      {
        [LogField.agentName]: this.name,
        [LogField.sessionId]: this.id,
        [LogField.remoteAddress]: this.#connection.peer.remoteAddress,
        [LogField.version]: hello.build,
        hostname: hello.hostname,
        services: hello.services.map(describeService),
      },
      'agent connected',
    );
    parts.onServing(this);
  }

  #refuse(error: TunnelError): void {
    this.#parts.log.warn(
      { err: error, [LogField.remoteAddress]: this.#connection.peer.remoteAddress },
      'agent refused',
    );
    this.tunnel.close(error, error.code !== 'PROTOCOL_VIOLATION');
  }

  #handshakeTimedOut(): void {
    if (this.tunnel.state !== 'handshaking') return;
    this.#refuse(new TunnelError('PROTOCOL_VIOLATION', 'no complete handshake in time'));
  }

  #closed(error: TunnelError): void {
    this.#handshakeTimer.cancel();
    this.#parts.onEnded(this);
    if (!this.#hasServed) return;
    this.#parts.log.info(
      {
        [LogField.agentName]: this.name,
        [LogField.sessionId]: this.id,
        [LogField.reason]: error.message,
        [LogField.code]: error.code,
        servedMs: this.#parts.clock.now() - this.#connectedAt,
      },
      'agent disconnected',
    );
    this.#parts.onClosed(this, error);
  }
}

function describeService(service: ServiceAdvertisement): string {
  return serviceText(service) + (service.configured ? '' : ' (not usable)');
}
