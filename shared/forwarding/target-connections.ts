/**
 * The connections to one endpoint: a request takes the one that was free last, or a new one. undici's own Pool
 * asks its connections one after the other whether they are free, twice per request, and those that watches
 * or slow readers keep busy stand first: 30 us more per request beside a thousand of them.
 */
import type { Dispatcher } from 'undici';
import Client from 'undici/lib/dispatcher/client.js';

interface Connection {
  readonly client: Client;
  isFree: boolean;
}

/** Sends requests over connections that carry one at a time. */
export class TargetConnections {
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #all = new Set<Connection>();
  /** The last one is the warmest; the first ones are left alone and time out. */
  readonly #free: Connection[] = [];

  constructor(origin: string, options: Client.Options) {
    this.#origin = origin;
    this.#options = { ...options, pipelining: 1 };
  }

  /** Errors are told to the handler. Throws when the request is not valid. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const connection = this.#free.pop() ?? this.#open();
    connection.isFree = false;
    const { client } = connection;
    try {
      client.dispatch(options, handler);
    } finally {
      // nothing was sent, so nothing will end: undici refused the request
      if (client.stats.size === 0) this.#release(connection);
    }
  }

  /** Resolves when what is under way has ended, and all connections with it. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(async ({ client }) => client.close()));
  }

  /** Breaks all connections. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#all].map(async ({ client }) => client.destroy()));
  }

  #open(): Connection {
    const connection = { client: new Client(this.#origin, this.#options), isFree: false };
    connection.client.on('drain', () => this.#release(connection));
    // one that could not connect is not tried again, as in undici's Pool (nodejs/undici#3895)
    connection.client.on('connectionError', () => this.#all.delete(connection));
    this.#all.add(connection);
    return connection;
  }

  #release(connection: Connection): void {
    if (connection.isFree || !this.#all.has(connection)) return;
    connection.isFree = true;
    this.#free.push(connection);
  }
}
