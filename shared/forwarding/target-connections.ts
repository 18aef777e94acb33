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
  /** Its neighbours while it is free. */
  colder: Connection | undefined;
  warmer: Connection | undefined;
}

/** Sends requests over connections that carry one at a time. */
export class TargetConnections {
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #all = new Set<Connection>();
  readonly #free = new FreeConnections();
  #isClosed = false;

  constructor(origin: string, options: Client.Options) {
    this.#origin = origin;
    this.#options = { ...options, pipelining: 1 };
  }

  /** All errors are told to the handler: also that undici refuses the request, or that this is closed. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const connection = this.#free.take() ?? this.#open();
    const { client } = connection;
    let isDrainDue = false;
    try {
      // true, with one request at a time, is for one that is over already: its 'drain' comes in a microtask
      isDrainDue = client.dispatch(options, handler);
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
    const connection = { client, isFree: false, colder: undefined, warmer: undefined };
    // one for which a request waits connects anew, and `size` counts one refused for the target's certificate for ever
    const forgetUnused = (): void => {
      if (client.stats.pending === 0) this.#forget(connection);
    };
    client.on('drain', () => this.#release(connection));
    client.on('disconnect', forgetUnused);
    client.on('connectionError', forgetUnused);
    this.#all.add(connection);
    return connection;
  }

  /** Without a socket it is worth no more than a new one. */
  #release(connection: Connection): void {
    if (connection.client.stats.connected) this.#free.add(connection);
    else this.#forget(connection);
  }

  #forget(connection: Connection): void {
    if (connection.isFree) this.#free.remove(connection);
    this.#all.delete(connection);
  }
}

/**
 * Those that carry nothing. The warmest is taken first, so that the others time out if they are not needed.
 * A linked list: thousands may time out together, each from anywhere in it.
 */
class FreeConnections {
  #warmest: Connection | undefined;

  take(): Connection | undefined {
    const connection = this.#warmest;
    if (connection !== undefined) this.remove(connection);
    return connection;
  }

  add(connection: Connection): void {
    if (connection.isFree) return; // twice in the list it would never end
    connection.isFree = true;
    connection.colder = this.#warmest;
    if (this.#warmest !== undefined) this.#warmest.warmer = connection;
    this.#warmest = connection;
  }

  remove(connection: Connection): void {
    const { colder, warmer } = connection;
    if (colder !== undefined) colder.warmer = warmer;
    if (warmer !== undefined) warmer.colder = colder;
    else this.#warmest = colder;
    connection.isFree = false;
    connection.colder = undefined;
    connection.warmer = undefined;
  }
}
