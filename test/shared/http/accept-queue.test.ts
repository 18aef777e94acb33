import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, it } from 'node:test';
import { AcceptQueue } from '../../../shared/http/accept-queue.js';
import { FakeClock } from '../../harness/fake-clock.js';

describe('accept queue', () => {
  const maxWaitMs = 10_000;
  let clock: FakeClock;
  /** Which came to their turn, numbered as they came. */
  let begun: number[];
  let come: (count: number) => Socket[];

  beforeEach(() => {
    clock = new FakeClock();
    const all: Socket[] = [];
    const order: number[] = [];
    begun = order;
    const begin = (socket: Socket): void => void order.push(all.indexOf(socket));
    const queue = new AcceptQueue({ maxWaitMs, clock, begin });
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
    for (let i = 0; i < 200; i++) {
      come(1);
      await turns(1);
    }
    assert.ok(begun.length >= 3 && begun.length <= 4, `${begun.length} of 200`);
  });

  it('closes those whose peer has given up, and passes over the closed', async () => {
    const [late] = come(1);
    clock.advance(maxWaitMs / 2);
    come(2);
    clock.advance(maxWaitMs / 2 + 1);
    const [closed] = come(1);
    closed?.destroy();
    await turns(6);
    assert.equal(late?.destroyed, true, 'kept one that has waited too long');
    assert.deepEqual(begun, [2, 1], 'not those that are open');
  });
});
