/**
 * The connections to one endpoint: a request takes the one that was free last, or a new one. undici's own Pool
 * asks its connections one after the other whether they are free, twice per request, and those that watches
 * or slow readers keep busy stand first: 30 us more per request beside a thousand of them.
 */
import type { Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';
import { WaitingLine } from '../waiting-line.js';
import type { LineMember } from '../waiting-line.js';

interface Connection extends LineMember<Connection> {
  readonly client: Client;
}

/** Sends requests over connections that carry one at a time. */
export class TargetConnections {
  readonly #origin: string;
  readonly #isKeptAlive: boolean;
  readonly #options: Client.Options;
  readonly #all = new Set<Connection>();
  /** Those that carry nothing. The last is the warmest and taken first, so that the others time out if not needed. */
  readonly #free = new WaitingLine<Connection>();
  #isClosed = false;

  /** `isKeptAlive`: whether connections are used again; if not, each ends with its request. */
  constructor(origin: string, options: Client.Options, isKeptAlive = true) {
    this.#origin = origin;
    this.#isKeptAlive = isKeptAlive;
    this.#options = { ...options, pipelining: 1 };
  }

  /** All errors are told to the handler: also that undici refuses the request, or that this is closed. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const connection = this.#free.takeLast() ?? this.#open();
    const { client } = connection;
    let isDrainDue = false;
    try {
      const request = this.#isKeptAlive ? options : { ...options, reset: true };
      // true, with one request at a time, is for one that is over already: its 'drain' comes in a microtask
      isDrainDue = client.dispatch(request, handler);
    } finally {
      // undici refused the request: nothing was sent, so no 'drain' will come
      if (!isDrainDue && client.stats.size === 0) this.#release(connection);
    }
  }

  /** Resolves when what is under way has ended, and all connections with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#endEach((client) => (client.destroyed ? client.destroy() : client.close()));
  }

  /** Breaks all connections. */
  async destroy(): Promise<void> {
    this.#isClosed = true;
    await this.#endEach((client) => client.destroy());
  }

  async #endEach(end: (client: Client) => Promise<void>): Promise<void> {
    await Promise.all([...this.#all].map(async ({ client }) => end(client)));
  }

  #open(): Connection {
    const client = new Client(this.#origin, this.#options);
    // undici tells the handler of a request that comes too late
    if (this.#isClosed) void client.close();
    const connection = { client, line: undefined, ahead: undefined, behind: undefined };
    // one for which a request waits connects anew, and `size` counts one refused for the target's certificate for ever
    const forgetUnused = (): void => {
      if (client.stats.pending === 0) this.#forget(connection);
    };
    client.on('drain', () => this.#release(connection));
    client.on('disconnect', (_origin, _targets, reason) => {
      if (!isBrokenOff(reason)) return forgetUnused();
      this.#forget(connection);
      void client.destroy();
    });
    client.on('connectionError', forgetUnused);
    this.#all.add(connection);
    return connection;
  }

  /** Without a socket it is worth no more than a new one. */
  #release(connection: Connection): void {
    if (connection.client.stats.connected) this.#free.join(connection);
    else this.#forget(connection);
  }

  #forget(connection: Connection): void {
    this.#free.leave(connection);
    this.#all.delete(connection);
  }
}

/**
 * A request was broken off: undici would connect once more before it sees that nothing is left to send. By its text,
 * as a connection that was idle for too long has the same code, and a request may wait there for another one.
 */
function isBrokenOff({ code, message }: Error & { readonly code?: string }): boolean {
  return code === 'UND_ERR_INFO' && message === 'aborted';
}
