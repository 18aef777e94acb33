import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, it } from 'node:test';
import { ACCEPT_MS, AcceptQueue, MAX_WAITING } from '../../../controller/agents/accept-queue.js';
import { listen } from '../../../shared/http/listen.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { RawClient } from '../../harness/raw-http.js';
import { waitFor } from '../../harness/wait-for.js';

describe('accept queue', () => {
  const maxWaitMs = 10_000;
  let clock: FakeClock;
  let queue: AcceptQueue;
  /** Which came to their turn, numbered as they came. */
  let begun: number[];
  let closed: number;
  let come: (count: number) => Socket[];

  beforeEach(() => {
    clock = new FakeClock();
    closed = 0;
    const all: Socket[] = [];
    const order: number[] = [];
    begun = order;
    queue = new AcceptQueue({
      maxWaitMs,
      clock,
      begin: (socket) => void order.push(all.indexOf(socket)),
      onClosed: (count) => (closed += count),
    });
    come = (count) => {
      const sockets = Array.from({ length: count }, () => new Socket());
      all.push(...sockets);
      for (const socket of sockets) queue.add(socket);
      return sockets;
    };
  });

  async function turns(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await turn();
  }

  it('begins one connection per turn, the newest first', async () => {
    come(3);
    await turns(2);
    assert.deepEqual(begun, [2], 'not one, or not the newest');
    await turns(2);
    assert.deepEqual(begun, [2, 1, 0], 'not newest first');
    come(1);
    await turns(2);
    assert.deepEqual(begun, [2, 1, 0, 3], 'nothing more after it was empty');
  });

  it('waits for those that are still in the queue of the kernel, which are newer', async () => {
    come(1);
    await turns(1);
    come(1);
    await turns(1);
    assert.deepEqual(begun, [], 'begun while others came');
    await turns(1);
    assert.deepEqual(begun, [1], 'not the newest');
  });

  it('begins some although others never stop to come', async () => {
    for (let i = 0; i < 100; i++) {
      come(1);
      clock.advance(ACCEPT_MS / 4);
      await turns(1);
    }
    assert.equal(begun.length, 25, 'not one each time');
  });

  it('begins one in each turn that takes long, whoever else comes', async () => {
    for (let i = 0; i < 10; i++) {
      come(1);
      clock.advance(ACCEPT_MS);
      await turns(1);
    }
    assert.equal(begun.length, 10, 'not one per turn');
  });

  it('closes those that have waited too long, and passes over the closed', async () => {
    const [late] = come(1);
    clock.advance(1);
    come(1);
    clock.advance(maxWaitMs / 2);
    come(2)[1]?.destroy();
    clock.advance(maxWaitMs / 2);
    await turns(6);
    assert.equal(late?.destroyed, true, 'kept one that has waited too long');
    assert.equal(closed, 1, 'not told, or too many');
    assert.deepEqual(begun, [2, 1], 'not those that are open');
  });

  it('closes the oldest when too many wait, and all when it closes', async () => {
    const sockets = come(MAX_WAITING + 2);
    const open = (): Socket[] => sockets.filter(({ destroyed }) => !destroyed);
    assert.equal(open().length, MAX_WAITING, 'too many wait');
    assert.equal(open()[0], sockets[2], 'not the oldest');
    queue.close();
    assert.equal(open().length, 0, 'still open');
    assert.equal(closed, MAX_WAITING + 2, 'not told of all');
    await turns(3);
    assert.deepEqual(begun, [], 'begun after it was closed');
  });

  it('does not read from a connection before its turn, and does then', async (context) => {
    let readBefore: number | undefined;
    const accepted = new AcceptQueue({
      maxWaitMs,
      clock,
      begin: (socket) => (readBefore = socket.bytesRead),
      onClosed: () => undefined,
    });
    const server = createServer({ pauseOnConnect: true });
    const { port } = await listen(server, { port: 0, host: '127.0.0.1', what: 'x', option: 'x' });
    const connection = once(server, 'connection');
    const client = await RawClient.connect({ port });
    client.send('hello');
    const [socket] = (await connection) as [Socket];
    context.after(() => {
      client.socket.destroy();
      socket.destroy();
      server.close();
    });
    await turns(20);
    assert.equal(socket.bytesRead, 0, 'read while it waited');
    accepted.add(socket);
    // whoever is given it asks for nothing here, as HTTP/2 does
    await waitFor('its bytes to be read', () => socket.bytesRead === 5);
    assert.equal(readBefore, 0, 'read before its turn');
    assert.equal(String(socket.read()), 'hello');
  });
});
