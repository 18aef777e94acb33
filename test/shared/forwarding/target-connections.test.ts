/** Which connection a request takes, and what becomes of connections that fail or are not wanted any more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Dispatcher } from 'undici';
import { TargetConnections } from '../../../shared/forwarding/target-connections.js';
import { waitFor } from '../../harness/wait-for.js';

describe('connections to a target', { timeout: 30_000 }, () => {
  let server: http.Server;
  let port: number;
  let connections: TargetConnections;
  /** Source port of each request, in order. */
  let ports: number[];
  let held: http.ServerResponse[];

  beforeEach(async () => {
    ports = [];
    held = [];
    server = http.createServer((request, response) => {
      ports.push(request.socket.remotePort ?? 0);
      if (request.url === '/held') held.push(response);
      else response.end('x');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
    connections = new TargetConnections(`http://127.0.0.1:${port}`, {});
  });

  afterEach(async () => {
    await connections.destroy();
    server.closeAllConnections();
    server.close();
  });

  async function get(path: string, headers: string[] = []): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { method: 'GET', path, headers } as const;
      connections.dispatch(options, new Answer(resolve, reject));
    });
  }

  it('are one for requests that follow each other', async () => {
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 1);
  });

  it('are one for each request under way, and those that are free again are used', async () => {
    const answers = Array.from({ length: 50 }, async () => get('/held'));
    await waitFor('all requests', () => held.length === 50);
    assert.equal(new Set(ports).size, 50);
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 51, 'one more for all that came meanwhile');
    for (const response of held) response.end('y');
    await Promise.all(answers);
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 51);
  });

  it('are taken the last free one first, so that those not needed time out', async () => {
    const answers = Array.from({ length: 10 }, async () => get('/held'));
    await waitFor('all requests', () => held.length === 10);
    for (const response of held) response.end('y');
    await Promise.all(answers);
    ports = [];
    for (let i = 0; i < 20; i++) await get('/');
    assert.equal(new Set(ports).size, 1);
  });

  it('are not lost to requests that undici refuses', async () => {
    await get('/');
    for (let i = 0; i < 20; i++) {
      await assert.rejects(get('/', ['Transfer-Encoding', 'chunked']));
      await assert.rejects(get('/', ['bad name', 'x']));
    }
    await get('/');
    assert.equal(new Set(ports).size, 1);
  });

  it('are tried anew after the target was not there', async () => {
    server.close();
    await once(server, 'close');
    for (let i = 0; i < 3; i++) await assert.rejects(get('/'), /ECONNREFUSED/);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    assert.equal(await get('/'), 'x');
  });

  it('are replaced when the target has closed them', async () => {
    await get('/');
    server.closeAllConnections();
    await waitFor('an answer', async () => get('/').catch(() => undefined));
    assert.equal(new Set(ports).size, 2);
  });

  it('end in order once what is under way has ended', async () => {
    const answer = get('/held');
    await waitFor('the request', () => held.length === 1);
    let isClosed = false;
    const closed = connections.close().then(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isClosed, false);
    held[0]?.end('y');
    assert.equal(await answer, 'y');
    await closed;
  });

  it('break at once when told', async () => {
    const answer = get('/held');
    await waitFor('the request', () => held.length === 1);
    await Promise.all([assert.rejects(answer), connections.destroy()]);
  });
});

class Answer implements Dispatcher.DispatchHandler {
  readonly #resolve: (body: string) => void;
  readonly #reject: (reason: Error) => void;
  #body = '';

  constructor(resolve: (body: string) => void, reject: (reason: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onConnect(): void {
    // needed by undici
  }

  onHeaders(): boolean {
    return true;
  }

  onData(bytes: Buffer): boolean {
    this.#body += bytes.toString();
    return true;
  }

  onComplete(): void {
    afterTwoTurns(() => this.#resolve(this.#body));
  }

  onError(reason: Error): void {
    afterTwoTurns(() => this.#reject(reason));
  }
}

/** undici waits for a turn of the event loop before it uses a connection again: its target may close it. */
function afterTwoTurns(then: () => void): void {
  setImmediate(() => setImmediate(then));
}
