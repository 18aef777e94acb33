/** Which connection a request takes, and what becomes of connections that fail or are not wanted any more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { queryObjects } from 'node:v8';
import type { Client, Dispatcher } from 'undici';
import buildConnector from 'undici/lib/core/connect.js';
import UndiciClient from 'undici/lib/dispatcher/client.js';
import { TargetConnections } from '../../../shared/forwarding/target-connections.js';
import { waitFor } from '../../harness/wait-for.js';
import { createCa } from './throwaway-certificates.js';

const TEST_TIMEOUT = { timeout: 120_000 };

let server: http.Server;
let port: number;
let connections: TargetConnections;
/** Source port of each request, in order. */
let ports: number[];
let held: http.ServerResponse[];
/** Our end of each connection that is open, in the order they were opened. */
let sockets: Set<Socket>;

beforeEach(async () => {
  ports = [];
  held = [];
  sockets = new Set();
  server = http.createServer(serve);
  await listen(0);
  port = (server.address() as AddressInfo).port;
  connections = connectionsWith({});
});

afterEach(async () => {
  await connections.destroy();
  server.closeAllConnections();
  server.close();
});

describe('connections to a target', TEST_TIMEOUT, () => {
  it('are one for requests that follow each other', async () => {
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 1);
  });

  it('are one for requests with bodies that follow each other', async () => {
    for (let i = 0; i < 20; i++) {
      const body = Readable.from([`${i}`, 'y']);
      assert.equal(await ask('/echo', { method: 'POST', body }), `${i}y`);
    }
    assert.equal(new Set(ports).size, 1);
  });

  it('are one for each request under way, and those that are free again are used', async () => {
    const answers = await holdRequests(50);
    assert.equal(new Set(ports).size, 50);
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 51, 'one more for all that came meanwhile');
    await release(answers);
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 51);
  });

  it('are taken the last free one first, so that those not needed time out', async () => {
    await release(await holdRequests(10));
    ports = [];
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 1);
  });

  it('end with their request when they are not to be used again', async () => {
    connections = connectionsWith({}, false);
    for (let i = 0; i < 3; i++) {
      await get('/');
      await waitFor('its end', () => sockets.size === 0);
    }
    assert.equal(new Set(ports).size, 3);
    await waitForClients(0);
  });

  it('are not lost to requests that undici refuses', async () => {
    await get('/');
    for (let i = 0; i < 20; i++) {
      const chunked = get('/', ['Transfer-Encoding', 'chunked']);
      await assert.rejects(chunked, { code: 'UND_ERR_INVALID_ARG' });
      await assert.rejects(get('/', ['bad name', 'x']), { code: 'UND_ERR_INVALID_ARG' });
      const expecting = get('/', ['Expect', '100-continue']);
      await assert.rejects(expecting, { code: 'UND_ERR_NOT_SUPPORTED' });
    }
    await get('/');
    assert.equal(new Set(ports).size, 1);
  });

  it('carry one request, also after one that was over before anything was sent', async () => {
    // leaves a connection on which undici sends at once
    await assert.rejects(askWithWrongLength(), LENGTH_MISMATCH);
    const overAtOnce = askWithWrongLength();
    const first = get('/held');
    await assert.rejects(overAtOnce, LENGTH_MISMATCH);
    await Promise.all([get('/'), get('/')]);
    await waitFor('the first request', () => held.length === 1);
    assert.equal(new Set(ports).size, 3);
    held[0]?.end('y');
    assert.equal(await first, 'y');
  });
});

describe('a connection that is broken off by us', TEST_TIMEOUT, () => {
  it('before it is there, is not used and not missed', async () => {
    for (let i = 0; i < 5; i++) await assert.rejects(giveUpAtOnce(), /given up/);
    assert.deepEqual(await Promise.all([get('/'), get('/')]), ['x', 'x']);
    assert.equal(ports.length, 2, 'of those given up none arrived');
    await waitForClients(2);
  });

  it('is the last one for its request: none is opened for what nobody waits for', async () => {
    let opened = 0;
    server.on('connection', () => opened++);
    for (let i = 1; i <= 5; i++) {
      const exchange = new Exchange();
      exchange.onHead = () => exchange.abort();
      send('/half', {}, exchange);
      await assert.rejects(exchange.answer, /given up/);
      await waitFor('its end', () => sockets.size === 0);
      // one that undici opened would be there before that of a request made now
      assert.equal(await get('/'), 'x');
      assert.equal(opened, 2 * i);
      server.closeAllConnections();
      await waitFor('the end of all', () => sockets.size === 0);
    }
    await waitForClients(0);
  });

  it('after the head, is not used and not missed', async () => {
    for (let i = 0; i < 5; i++) {
      const exchange = new Exchange();
      exchange.onHead = () => exchange.abort();
      send('/half', {}, exchange);
      await assert.rejects(exchange.answer, /given up/);
      assert.deepEqual(await Promise.all([get('/'), get('/')]), ['x', 'x']);
    }
    await release(await holdRequests(10));
    await waitForClients(10);
  });
});

describe('a connection that the target ends', TEST_TIMEOUT, () => {
  it('while it is free, is replaced by the next request', async () => {
    await get('/');
    server.closeAllConnections();
    await waitFor('its end', () => sockets.size === 0);
    assert.equal(await get('/'), 'x');
    assert.equal(new Set(ports).size, 2);
  });

  it('as it is taken, loses no request', async () => {
    await get('/');
    for (const socket of sockets) socket.destroy();
    assert.equal(await get('/'), 'x');
    assert.equal(await get('/'), 'x');
    assert.equal(new Set(ports).size, 2);
  });

  it('in the middle of an answer, fails that one and no other', async () => {
    await get('/');
    await assert.rejects(get('/broken'), { code: 'UND_ERR_SOCKET' });
    assert.equal(await get('/'), 'x');
    assert.equal(new Set(ports).size, 2);
  });

  it('with an answer that says so, is replaced', async () => {
    for (let i = 0; i < 5; i++) assert.equal(await get('/last'), 'x');
    assert.equal(new Set(ports).size, 5);
  });

  it('after a HEAD, as undici does, is replaced', async () => {
    for (let i = 0; i < 5; i++) assert.equal(await ask('/', { method: 'HEAD' }), '');
    assert.equal(await get('/'), 'x');
    assert.equal(ports.length, 6);
  });

  it('leaves its request to be repeated from within the error', async () => {
    await get('/');
    const exchange = new Exchange();
    exchange.onFailure = () => {
      exchange.onFailure = undefined;
      send('/', {}, exchange);
    };
    send('/broken', {}, exchange);
    assert.equal(await exchange.answer, 'halfx');
    assert.equal(await get('/'), 'x');
    assert.equal(new Set(ports).size, 2);
    await waitForClients(1);
  });

  it('by an answer that is no HTTP, fails with that', async () => {
    await assert.rejects(get('/nonsense'), { name: 'HTTPParserError' });
    assert.equal(await get('/'), 'x');
  });
});

describe('connections that are not needed any more', TEST_TIMEOUT, () => {
  it('leave nothing behind when the target closes them', async () => {
    await release(await holdRequests(20));
    await waitForClients(20);
    server.closeAllConnections();
    await waitForClients(0);
    assert.equal(await get('/'), 'x');
  });

  it('leave nothing behind when they time out', async () => {
    connections = connectionsWith({ keepAliveTimeout: 20, keepAliveMaxTimeout: 20 });
    await release(await holdRequests(20));
    await waitForClients(0);
    assert.equal(await get('/'), 'x');
    assert.equal(new Set(ports).size, 21);
  });

  it('leave the others to be used, wherever they stood', async () => {
    await release(await holdRequests(10));
    for (const gone of [0, 4, 5, 9]) [...sockets][gone]?.destroy();
    await waitFor('their end', () => sockets.size === 6);
    const others = new Set([...sockets].map((socket) => socket.localPort));
    ports = [];
    const answers = await holdRequests(6);
    assert.deepEqual(new Set(ports), others);
    await get('/');
    assert.equal(new Set(ports).size, 7);
    await release(answers);
  });
});

describe('a target that cannot be connected', TEST_TIMEOUT, () => {
  it('is tried anew by each request, and leaves nothing behind', async () => {
    server.close();
    await once(server, 'close');
    for (let i = 0; i < 3; i++) await assert.rejects(get('/'), { code: 'ECONNREFUSED' });
    await waitForClients(0);
    await listen(port);
    assert.equal(await get('/'), 'x');
  });

  it('is tried anew after settings that fail at once, whatever the request', async () => {
    connections = connectionsWith({
      connect: () => {
        throw new Error('no such key');
      },
    });
    for (let i = 0; i < 3; i++) {
      await assert.rejects(get('/'), /no such key/);
      const body = Readable.from(['x']);
      await assert.rejects(ask('/', { method: 'POST', body }), /no such key/);
    }
    await waitForClients(0);
  });

  it('since its certificate is for another name, leaves nothing that would not close', async () => {
    const ca = createCa('a CA');
    const tlsServer = createTlsServer(ca.issue('a target'));
    tlsServer.listen(0, '127.0.0.1');
    await once(tlsServer, 'listening');
    const { port: tlsPort } = tlsServer.address() as AddressInfo;
    const connect = { ca: ca.cert, servername: 'elsewhere.test' };
    connections = new TargetConnections(`https://127.0.0.1:${tlsPort}`, { connect });
    await assert.rejects(get('/'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    await connections.close();
    tlsServer.close();
  });

  it('for which a request still waits, is given up when told', async () => {
    let attempts = 0;
    connections = connectionsWith({
      connect: (target, callback) =>
        connect(target, (...outcome) => {
          attempts++;
          outcome[1]?.destroy();
          callback(...outcome);
        }),
    });
    const answer = get('/');
    await waitFor('another attempt', () => attempts > 1);
    await Promise.all([assert.rejects(answer, DESTROYED), connections.destroy()]);
  });
});

describe('connections that are ended', TEST_TIMEOUT, () => {
  it('end in order once what is under way has ended', async () => {
    const answers = await holdRequests(1);
    let isClosed = false;
    const closed = connections.close().then(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isClosed, false);
    assert.deepEqual(await release(answers), ['y']);
    await closed;
  });

  it('end in order once what is being connected has ended', async () => {
    const answer = get('/');
    await connections.close();
    assert.equal(await answer, 'x');
  });

  it('break at once when told', async () => {
    const [answer] = await holdRequests(1);
    assert.ok(answer !== undefined);
    const connecting = get('/');
    const answers = [answer, connecting].map(async (one) => assert.rejects(one, DESTROYED));
    await Promise.all([...answers, connections.destroy()]);
    assert.equal(ports.length, 1);
  });

  it('may be ended again, in any way', async () => {
    await release(await holdRequests(2));
    const [answer] = await holdRequests(1);
    assert.ok(answer !== undefined);
    const closing = [connections.close(), connections.close()];
    const destroying = [connections.destroy(), connections.close(), connections.destroy()];
    await Promise.all([assert.rejects(answer, DESTROYED), ...closing, ...destroying]);
    await connections.close();
    await connections.destroy();
  });

  for (const end of ['close', 'destroy'] as const) {
    it(`take no request after ${end}, be one free or not`, async () => {
      await get('/');
      const ended = connections[end]();
      for (let i = 0; i < 3; i++) await assert.rejects(get('/'), CLOSED_OR_DESTROYED);
      await ended;
      await assert.rejects(get('/'), CLOSED_OR_DESTROYED);
      assert.equal(new Set(ports).size, 1);
      await waitForClients(0);
    });
  }
});

const DESTROYED = { code: 'UND_ERR_DESTROYED' };
const CLOSED_OR_DESTROYED = { code: /^UND_ERR_(?:CLOSED|DESTROYED)$/ };
const LENGTH_MISMATCH = { code: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH' };

const connect = buildConnector({});

function connectionsWith(options: Client.Options, isKeptAlive = true): TargetConnections {
  const counted: Client.Options = {
    connect: (target, callback) =>
      connect(target, (...outcome) => {
        const socket: Socket | null | undefined = outcome[1];
        if (socket) {
          sockets.add(socket);
          socket.once('close', () => sockets.delete(socket));
        }
        callback(...outcome);
      }),
    ...options,
  };
  return new TargetConnections(`http://127.0.0.1:${port}`, counted, isKeptAlive);
}

async function listen(on: number): Promise<void> {
  server.listen(on, '127.0.0.1');
  await once(server, 'listening');
}

type Serve = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** What the target does at a path. */
const SERVED: Readonly<Record<string, Serve>> = {
  '/': (_, response) => response.end('x'),
  '/held': (_, response) => held.push(response),
  '/echo': (request, response) => request.pipe(response),
  '/half': (_, response) => response.write('half'),
  '/broken': ({ socket }, response) => response.write('half', () => socket.destroy()),
  '/nonsense': ({ socket }) => socket.end('nonsense\r\n\r\n'),
  '/last': (_, response) => response.writeHead(200, { Connection: 'close' }).end('x'),
};

function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  ports.push(request.socket.remotePort ?? 0);
  SERVED[request.url ?? '']?.(request, response);
}

type Asked = Partial<Dispatcher.DispatchOptions>;

function send(path: string, asked: Asked, exchange: Exchange): void {
  connections.dispatch({ method: 'GET', path, ...asked }, exchange);
}

async function ask(path: string, asked: Asked): Promise<string> {
  const exchange = new Exchange();
  send(path, asked, exchange);
  return exchange.answer;
}

async function get(path: string, headers: string[] = []): Promise<string> {
  return ask(path, { headers });
}

/** undici notices when it is about to write the request, and leaves the connection as it is. */
async function askWithWrongLength(): Promise<string> {
  return ask('/', { method: 'POST', headers: ['Content-Length', '5'], body: 'abc' });
}

async function giveUpAtOnce(): Promise<string> {
  const exchange = new Exchange();
  exchange.abort();
  send('/', {}, exchange);
  return exchange.answer;
}

/** Requests that the target has and does not answer. */
async function holdRequests(count: number): Promise<Promise<string>[]> {
  held = [];
  const answers = Array.from({ length: count }, async () => get('/held'));
  await waitFor('all requests', () => held.length === count);
  return answers;
}

async function release(answers: readonly Promise<string>[]): Promise<string[]> {
  for (const response of held) response.end('y');
  return Promise.all(answers);
}

/** Waits until so many of undici's clients are left in the heap; those of earlier tests may be a while in going. */
async function waitForClients(count: number): Promise<void> {
  const found = (): number => queryObjects(UndiciClient, { format: 'count' });
  await waitFor(`${count} clients`, () => found() === count);
}

/** A request and what came of it. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly answer: Promise<string>;
  onHead: (() => void) | undefined;
  /** Called instead of failing. */
  onFailure: (() => void) | undefined;
  #resolve: (body: string) => void = () => undefined;
  #reject: (reason: Error) => void = () => undefined;
  #abort: ((reason?: Error) => void) | undefined;
  #isGivenUp = false;
  #body = '';

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Breaks it off as soon as it has a connection. */
  abort(): void {
    this.#isGivenUp = true;
    this.#abort?.(new Error('given up'));
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    if (this.#isGivenUp) this.abort();
  }

  onHeaders(): boolean {
    this.onHead?.();
    return true;
  }

  onData(bytes: Buffer): boolean {
    this.#body += bytes.toString();
    return true;
  }

  onComplete(): void {
    this.#abort = undefined; // it holds undici's client
    afterTwoTurns(() => this.#resolve(this.#body));
  }

  onError(reason: Error): void {
    this.#abort = undefined;
    if (this.onFailure !== undefined) return this.onFailure();
    this.#reject(reason);
  }
}

/** undici waits for a turn of the event loop before it uses a connection again: its target may close it. */
function afterTwoTurns(then: () => void): void {
  setImmediate(() => setImmediate(then));
}
