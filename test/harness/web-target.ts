/**
 * A well-behaved web server whose answers take as long as a test wants: quick ones, slow ones, ones that
 * never come, bodies that drip, events without end; whoever asks for another protocol gets an echo. Runs in the test or, where a test kills it, as a process (target-program.ts).
 */
import * as http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** What it does by path; numbers come from the query. */
const ANSWERS: Readonly<Record<string, (target: WebTarget, exchange: Exchange) => Promise<void>>> =
  {
    /** 200 with the body `ok`. */
    '/ok': async (_target, { response }) => void response.end('ok'),
    /** 200 after `ms`. */
    '/slow': async (_target, { response, number }) => {
      await delay(number('ms', 1000));
      response.end('slow');
    },
    /** No answer until `release`. */
    '/hang': async (target, { response }) => {
      await target.released();
      response.end('released');
    },
    /** A head at once, the end at `release`. */
    '/quiet': async (target, { response }) => {
      response.write('head\n');
      await target.released();
      response.end('released');
    },
    /** `n` lines, one every `ms`, then `end`. */
    '/drip': async (_target, { response, number }) => {
      const count = number('n', 10);
      for (let i = 0; i < count && !response.destroyed; i++) {
        response.write(`${i}\n`);
        await delay(number('ms', 100));
      }
      response.end('end');
    },
    /** The events from number `from` on, without end: their numbers, one a line. */
    '/events': async (target, { response, number }) => {
      response.flushHeaders();
      for (let next = number('from', 0); !response.destroyed; await delay(EVENT_MS)) {
        while (next < target.events) response.write(`${next++}\n`);
      }
    },
    /** `n` bytes. */
    '/bytes': async (_target, { response, number }) =>
      void response.end(Buffer.alloc(number('n', 1000), 'x')),
    /** The Authorization that came. */
    '/authorization': async (_target, { request, response }) =>
      void response.end(request.headers.authorization ?? 'none'),
  };

/** Between two events. */
const EVENT_MS = 10;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  number(name: string, fallback: number): number;
}

/** The server. */
export class WebTarget {
  readonly #server = http.createServer((request, response) => {
    // a caller that is killed in the middle of its body
    this.#serve(request, response).catch(() => response.destroy());
  });
  #release: () => void = () => undefined;
  #released: Promise<void> = Promise.resolve();
  #requests = 0;
  #open = 0;
  readonly #startedMs = performance.now();

  static async start(port = 0): Promise<WebTarget> {
    const target = new WebTarget();
    target.hold();
    target.#server.on('upgrade', (_request, socket: Duplex) => echo(socket));
    await new Promise<void>((resolve) => target.#server.listen(port, '127.0.0.1', resolve));
    return target;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Entry of `outgoingServices` for this server: `generic/<name>`. */
  service(name = 'web', credentials?: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const url = `http://127.0.0.1:${this.port}`;
    const config = credentials === undefined ? { url } : { url, credentials };
    return { type: 'generic', name, enabled: true, config };
  }

  /** Requests so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Requests without a complete answer. */
  get open(): number {
    return this.#open;
  }

  /** Events so far. */
  get events(): number {
    return Math.floor((performance.now() - this.#startedMs) / EVENT_MS);
  }

  /** Answers `/hang` and `/quiet`. */
  release(): void {
    this.#release();
  }

  /** Requests to `/hang` and `/quiet` wait again. */
  hold(): void {
    this.#released = new Promise((resolve) => (this.#release = resolve));
  }

  released(): Promise<void> {
    return this.#released;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#requests++;
    this.#open++;
    response.on('close', () => this.#open--);
    const url = new URL(request.url ?? '/', 'http://target');
    if (request.method === 'POST' || request.method === 'PUT')
      return this.#count(request, response);
    const answer = ANSWERS[url.pathname];
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    const number = (name: string, fallback: number): number =>
      Number(url.searchParams.get(name) ?? fallback);
    await answer(this, { request, response, number });
  }

  /** Answers a body with its length, after `ms` if asked. */
  async #count(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let bytes = 0;
    for await (const chunk of request) bytes += Buffer.byteLength(chunk as Buffer); // without encoding
    const url = new URL(request.url ?? '/', 'http://target');
    // a test whose caller was told otherwise does not wait for it
    await delay(Number(url.searchParams.get('ms') ?? 0), undefined, { ref: false });
    response.end(String(bytes));
  }
}

function echo(socket: Duplex): void {
  socket.on('error', () => undefined);
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
}
