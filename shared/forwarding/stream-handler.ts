/**
 * A stream that the peer opened -> the service it names -> the target. Used by the agent for its
 * services and by the controller for those beside it (front50, fiat). Goes to configured targets only.
 */
import type { Clock } from '../clock.js';
import { TunnelError, tunnelErrorFrom } from '../errors.js';
import type { Log } from '../log.js';
import { headerValue } from '../http/header-list.js';
import { hasParentSegment } from '../http/dot-segments.js';
import { serviceText } from '../ids.js';
import type { RequestHead } from '../protocol/frame.js';
import type { TunnelStream } from '../protocol/tunnel-stream.js';
import { forwardOverPool } from './http-forwarder.js';
import type { ResponseMap } from './response-head.js';
import type { ServiceCatalog, Target } from './target.js';
import type { StreamReports } from './stream-report.js';
import { TargetPools } from './target-pool.js';
import type { TargetLimits } from './target-pool.js';
import { forwardOnOwnConnection } from './upgrade-forwarder.js';

/** How long the head of a request waits for the first bytes of its body. */
const BODY_BEGIN_MS = 20;

/** What the forwarders work with. */
export interface ForwardingParts {
  readonly catalog: ServiceCatalog;
  readonly limits: TargetLimits & { readonly responseHeadTimeoutMs: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly reports: StreamReports;
  /** For the headers of every answer (user header); the identity by default. */
  readonly mapResponse?: ResponseMap;
}

/** Changes a request head before it goes to a target; may throw a TunnelError to refuse. */
export type HeadMap = (head: RequestHead) => RequestHead;

/** One request to be forwarded. */
export interface Forward {
  readonly stream: TunnelStream;
  readonly head: RequestHead;
  readonly target: Target;
  /** Authorization for the target. */
  readonly authorization: string | undefined;
  readonly pools: TargetPools;
  readonly parts: ForwardingParts;
}

/** Forwards the streams of any number of sessions. */
export class StreamForwarder {
  readonly #parts: ForwardingParts;
  readonly #pools: TargetPools;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    this.#pools = new TargetPools(parts.limits);
  }

  /** Takes a stream that the peer opened; attaches a handler before it returns. */
  accept(stream: TunnelStream, head: RequestHead, mapHead?: HeadMap): void {
    const entry = this.#parts.catalog.find(head.service);
    const report = this.#parts.reports.begin(stream, head, entry !== undefined);
    if (entry === undefined) {
      return stream.reset(
        new TunnelError(
          'SERVICE_NOT_OFFERED',
          `service ${serviceText(head.service)} is not offered`,
        ),
      );
    }
    if (entry.state === 'faulty') {
      const text = `service ${serviceText(head.service)} is not usable: ${entry.fault}`;
      return stream.reset(new TunnelError('SERVICE_NOT_CONFIGURED', text));
    }
    try {
      if (mapHead !== undefined) report.head = mapHead(head);
      this.#forward(stream, report.head, entry.target);
    } catch (reason) {
      stream.reset(tunnelErrorFrom(reason));
    }
  }

  /** Targets that are no longer configured: their connections close when they are idle. */
  retire(targets: readonly Target[]): void {
    for (const target of targets) this.#pools.drop(target);
  }

  async close(): Promise<void> {
    await this.#pools.close();
  }

  #forward(stream: TunnelStream, head: RequestHead, target: Target): void {
    const pools = this.#pools;
    const parts = this.#parts;
    const start = (authorization: string | undefined): void => {
      const forward: Forward = {
        stream,
        head,
        target,
        authorization,
        pools,
        parts,
      };
      // the base path is as far as this service goes
      if (target.endpoint().basePath !== '' && hasParentSegment(head.target)) {
        return stream.reset(climbing(head));
      }
      if (needsOwnConnection(head)) forwardOnOwnConnection(forward);
      else if (head.ended) forwardOverPool(forward);
      else forwardWhenBodyBegins(forward);
    };
    const authorization = target.authorization();
    if (!(authorization instanceof Promise)) return start(authorization);
    authorization
      .then(
        (value) => {
          if (!stream.isClosed) start(value);
        },
        (reason: unknown) => {
          const service = serviceText(head.service);
          parts.log.warn({ err: reason, service }, 'no target credential');
          stream.reset(credentialFailed(reason, head));
        },
      )
      .catch((reason: unknown) => stream.reset(tunnelErrorFrom(reason)));
  }
}

function climbing(head: RequestHead): TunnelError {
  const text = `".." in the path of a request to ${serviceText(head.service)}, which has a base path`;
  return new TunnelError('REQUEST_INVALID', text);
}

/** Upgrades take a connection over; 100-continue and request trailers only node:http can do. */
function needsOwnConnection(head: RequestHead): boolean {
  if (head.upgrade || headerValue(head.headers, 'expect') !== undefined) return true;
  return !head.ended && headerValue(head.headers, 'trailer') !== undefined;
}

/**
 * undici sends a request head with the first bytes of its body only. A caller that waits for an answer
 * before it sends any would wait for ever, so a body that does not come soon goes by node:http.
 */
function forwardWhenBodyBegins(forward: Forward): void {
  const { stream, parts } = forward;
  const timer = parts.clock.after(BODY_BEGIN_MS, () => start(false));
  let isStarted = false;
  const start = (hasBegun: boolean): void => {
    if (isStarted || stream.isClosed) return timer.cancel();
    isStarted = true;
    timer.cancel();
    if (hasBegun) forwardOverPool(forward);
    else forwardOnOwnConnection(forward);
  };
  stream.whenArriving(() => start(true));
}

function credentialFailed(reason: unknown, head: RequestHead): TunnelError {
  if (reason instanceof TunnelError) return reason;
  const text = `the credential for ${serviceText(head.service)} could not be obtained`;
  return new TunnelError('TARGET_CREDENTIAL_FAILED', text, { cause: reason });
}
