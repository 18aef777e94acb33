/**
 * Lets agents in: port, sessions and registry put together, and the services beside the controller that
 * agents may use.
 */
import type { X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../shared/clock.js';
import { TunnelError } from '../../shared/errors.js';
import type { StreamForwarder } from '../../shared/forwarding/stream-handler.js';
import { withoutHeaders } from '../../shared/http/header-list.js';
import { endToEndHeaders } from '../../shared/http/hop-by-hop.js';
import type { BoundAddress } from '../../shared/http/listen.js';
import type { Log } from '../../shared/log.js';
import type { Metrics } from '../../shared/operations/metrics.js';
import { BufferBudget } from '../../shared/protocol/buffer-budget.js';
import type { RequestHead } from '../../shared/protocol/frame.js';
import type { SessionLimits } from '../../shared/protocol/tunnel-session.js';
import type { ServiceAdvertisement } from '../../shared/service-advertisement.js';
import { userFromTunnel } from '../callers/user-header.js';
import type { UserTokens } from '../callers/user-header.js';
import type { AgentRegistry } from './agent-registry.js';
import { AgentSession } from './agent-session.js';
import type { AgentSessionParts } from './agent-session.js';
import { startTunnelServer } from './tunnel-server.js';
import type { TunnelServer } from './tunnel-server.js';

/** What the gate works with. */
export interface AgentGateParts {
  readonly port: number;
  readonly bindAddress: string | undefined;
  readonly tls: SecureContextOptions | undefined;
  readonly authorities: () => readonly X509Certificate[];
  readonly registry: AgentRegistry;
  /** Services beside the controller, for streams that agents open. */
  readonly forwarder: StreamForwarder;
  readonly userTokens: UserTokens;
  readonly services: () => readonly ServiceAdvertisement[];
  readonly limits: SessionLimits & {
    readonly connectTimeoutMs: number;
    readonly processBufferBudgetBytes: number;
  };
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly version: string;
}

/** The open gate. */
export class AgentGate {
  readonly #parts: AgentGateParts;
  readonly #sessionParts: AgentSessionParts;
  /** All sessions, those of the handshake included. */
  readonly #sessions = new Set<AgentSession>();
  #server: TunnelServer | undefined;
  #isDraining = false;

  /** Opens the port. Rejects with PORT_UNAVAILABLE. */
  static async open(parts: AgentGateParts): Promise<AgentGate> {
    const gate = new AgentGate(parts);
    const { port, bindAddress, tls, clock, log } = parts;
    gate.#server = await startTunnelServer({
      port,
      bindAddress,
      tls,
      connectTimeoutMs: parts.limits.connectTimeoutMs,
      clock,
      log,
      onCall: (call, connection) =>
        gate.#sessions.add(new AgentSession(call, connection, gate.#sessionParts)),
    });
    return gate;
  }

  private constructor(parts: AgentGateParts) {
    const { registry, metrics } = parts;
    this.#parts = parts;
    this.#sessionParts = {
      limits: parts.limits,
      processBudget: new BufferBudget(parts.limits.processBufferBudgetBytes),
      clock: parts.clock,
      log: parts.log,
      version: parts.version,
      authorities: parts.authorities,
      services: parts.services,
      onServing: (session) => this.#serving(session),
      onStream: (session, stream, head) => {
        metrics.streamOpened();
        stream.onClosed = () => metrics.streamClosed();
        parts.forwarder.accept(stream, head, (given) => this.#fromAgent(session, given));
      },
      onChanged: (session) => registry.changed(session),
      onRtt: (session, rttMs) => metrics.observeRtt(session.name, session.id, rttMs),
      onEnded: (session) => this.#sessions.delete(session),
      onClosed: (session, error) => {
        registry.remove(session);
        metrics.sessionClosed(session.name, session.id);
        metrics.linkEnded(error.code);
      },
    };
  }

  get address(): BoundAddress | undefined {
    return this.#server?.address;
  }

  setSecureContext(tls: SecureContextOptions): void {
    this.#server?.setSecureContext(tls);
  }

  /** Takes no more agents and tells those here to connect elsewhere; resolves when their streams are done. */
  async drain(reason: string): Promise<void> {
    this.#isDraining = true;
    this.#server?.stopListening();
    await Promise.all([...this.#sessions].map((session) => session.tunnel.drain(reason)));
  }

  /** Ends all sessions. */
  close(): void {
    const error = new TunnelError('DRAINING', 'the controller stops');
    for (const session of [...this.#sessions]) session.tunnel.close(error);
    this.#server?.close();
  }

  /** Our services have changed: tells every agent. */
  announceServices(): void {
    for (const { tunnel } of this.#parts.registry.sessions()) {
      tunnel.send({ kind: 'services', services: this.#parts.services() });
    }
  }

  #serving(session: AgentSession): void {
    const { registry, metrics } = this.#parts;
    registry.add(session);
    metrics.sessionOpened(session.name, session.id);
    // it came while the port was closing
    if (this.#isDraining) void session.tunnel.drain('the controller stops');
  }

  /** A request of an agent to a service of ours: its user is verified, and the service told who asks. */
  #fromAgent(session: AgentSession, head: RequestHead): RequestHead {
    const verified = userFromTunnel(head, this.#parts.userTokens);
    // end to end first: a Connection header of the agent must not name the one we add
    const given = endToEndHeaders(verified.headers, verified.upgrade);
    const headers = withoutHeaders(given, (name) => name === 'x-opsmx-agent-name');
    headers.push('X-Opsmx-Agent-Name', session.name);
    return { ...verified, headers };
  }
}
