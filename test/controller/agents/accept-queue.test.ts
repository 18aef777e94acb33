import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket, connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, it } from 'node:test';
import { ACCEPT_MS, AcceptQueue, MAX_WAITING } from '../../../controller/agents/accept-queue.js';
import { FakeClock } from '../../harness/fake-clock.js';

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

  it('does not read from a connection before its turn, and does then', async () => {
    let reads = 0;
    const texts: string[] = [];
    const accepted = new AcceptQueue({
      maxWaitMs,
      clock,
      begin: (socket) => {
        reads = socket.bytesRead;
        socket.on('data', (bytes: Buffer) => texts.push(bytes.toString()));
        socket.resume();
      },
      onClosed: () => undefined,
    });
    const waiting: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => waiting.push(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const connection = once(server, 'connection');
    client.write('hello');
    await connection;
    await turns(20);
    const [socket] = waiting;
    assert.ok(socket !== undefined, 'not accepted');
    assert.equal(socket.bytesRead, 0, 'read while it waited');
    accepted.add(socket);
    await once(socket, 'data');
    assert.equal(reads, 0, 'read before its turn');
    assert.deepEqual(texts, ['hello']);
    client.destroy();
    socket.destroy();
    server.close();
  });
});
