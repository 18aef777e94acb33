/**
 * Kept-alive connections to targets: one pool per endpoint. HTTP/1.1 with a connection per request
 * under way, since an apiserver allows 100 HTTP/2 streams per connection and callers watch more.
 */
import type { Socket } from 'node:net';
// part by part: the whole of undici, with fetch, caches and sockets, takes 6 MiB more of each process
import buildConnector from 'undici/lib/core/connect.js';
import { holdEndUntilRead } from './held-end.js';
import { THROUGH_READ_BUFFER } from './read-buffer.js';
import { TargetConnections } from './target-connections.js';
import type { TargetEndpoint, TargetTls } from './target.js';

/** Silence on a connection to a target after which TCP asks whether the target is there. */
export const TARGET_KEEPALIVE_MS = 10_000;

/** Limits towards targets; a slice of the `limits` section of the configuration. */
export interface TargetLimits {
  readonly targetConnectTimeoutMs: number;
  readonly targetKeepAliveMs: number;
  readonly maxHeaderBytes: number;
}

/** The pools of a process, made as endpoints are used and dropped as they are replaced. */
export class TargetPools {
  readonly #limits: TargetLimits;
  readonly #pools = new Map<TargetEndpoint, TargetConnections>();
  /** The endpoint last used per target address, to notice when it was replaced. */
  readonly #current = new Map<object, TargetEndpoint>();

  constructor(limits: TargetLimits) {
    this.#limits = limits;
  }

  /** The pool of an endpoint. `owner` is the target; when its endpoint changes the old pool is closed. */
  poolOf(owner: object, endpoint: TargetEndpoint): TargetConnections {
    const known = this.#pools.get(endpoint);
    if (known !== undefined) return known;
    const pool = this.#createPool(endpoint);
    this.#pools.set(endpoint, pool);
    const before = this.#current.get(owner);
    this.#current.set(owner, endpoint);
    if (before !== undefined) this.#retire(before);
    return pool;
  }

  /** The target is gone: requests under way finish, then its connections close. */
  drop(owner: object): void {
    const endpoint = this.#current.get(owner);
    this.#current.delete(owner);
    if (endpoint !== undefined) this.#retire(endpoint);
  }

  /** Breaks all connections. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    this.#current.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  /** Requests under way on the old endpoint finish; then its connections close. */
  #retire(endpoint: TargetEndpoint): void {
    const pool = this.#pools.get(endpoint);
    this.#pools.delete(endpoint);
    // a pool that cannot close in order has nothing left to say to anybody
    pool?.close().catch(() => undefined);
  }

  #createPool(endpoint: TargetEndpoint): TargetConnections {
    const { targetConnectTimeoutMs, targetKeepAliveMs, maxHeaderBytes } = this.#limits;
    const scheme = endpoint.tls === undefined ? 'http' : 'https';
    const origin = `${scheme}://${hostInUrl(endpoint.host)}:${endpoint.port}`;
    const keepAliveTimeout = Math.max(1, targetKeepAliveMs); // undici refuses 0
    const options = {
      keepAliveTimeout,
      keepAliveMaxTimeout: keepAliveTimeout,
      headersTimeout: 0, // http-forwarder.ts counts from the end of the request
      bodyTimeout: 0, // a watch may be quiet for an hour
      maxHeaderSize: maxHeaderBytes,
      connect: connectorOf({
        timeout: targetConnectTimeoutMs,
        ...(tlsConnectOptions(endpoint) ?? { onread: THROUGH_READ_BUFFER }),
      }),
    };
    return new TargetConnections(origin, options, targetKeepAliveMs > 0);
  }
}

/**
 * undici takes a reset for the end of a body that nothing but the close ends (and fails an assertion when
 * it does not read at that moment), so it is told of a broken connection by another name.
 */
function connectorOf(options: buildConnector.BuildOptions): buildConnector.connector {
  const ours = {
    allowH2: false,
    allowHalfOpen: true, // for held-end.ts; undici closes what has ended
    keepAlive: true,
    keepAliveInitialDelay: TARGET_KEEPALIVE_MS,
  };
  const connect = buildConnector({ ...ours, ...options });
  return (target, callback) =>
    connect(target, (...outcome) => {
      // undefined when connecting failed, whatever the types say
      const socket: Socket | null | undefined = outcome[1];
      if (socket) holdEndUntilRead(socket);
      socket?.on('error', (reason: NodeJS.ErrnoException) => {
        if (reason.code === 'ECONNRESET') reason.code = 'EPIPE';
        // a TLS alert is followed by an end, which undici would report in its place
        socket.destroy(reason);
      });
      callback(...outcome);
    });
}

/** Options of tls.connect for a target; empty for plain HTTP. */
export function tlsConnectOptions(endpoint: TargetEndpoint): TlsConnectOptions | undefined {
  if (endpoint.tls === undefined) return undefined;
  const { ca, cert, key, rejectUnauthorized }: TargetTls = endpoint.tls;
  return {
    rejectUnauthorized,
    allowPartialTrustChain: true,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** The part of tls.ConnectionOptions that a target sets. */
export interface TlsConnectOptions {
  readonly rejectUnauthorized: boolean;
  /** As with Go's clients, an intermediate CA or the server's own certificate may be what is trusted. */
  readonly allowPartialTrustChain: true;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
