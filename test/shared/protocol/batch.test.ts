/** Frames that share a message: what is taken from the front, and that what was counted is what is written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Batch } from '../../../shared/protocol/batch.js';
import { decodeBatch } from '../../../shared/protocol/frame-decoder.js';
import type { Frame } from '../../../shared/protocol/frame.js';
import { bytesOf } from '../../harness/encoded-batch.js';

describe('a batch', () => {
  it('gives frames from its front in their order, no more than asked for', () => {
    const batch = batchOf(5);
    const front = batch.takeFront(batch.cost / 2);
    assert.deepEqual(ids(front), [1, 2]);
    assert.deepEqual(ids(batch), [3, 4, 5]);
    assert.deepEqual(ids(batch.takeFront(1)), [3], 'at least one');
    assert.deepEqual(ids(batch.takeFront(Infinity)), [4, 5]);
    assert.deepEqual([batch.isEmpty, batch.length, batch.cost], [true, 0, 0]);
  });

  it('takes in another one behind its own frames', () => {
    const batch = batchOf(2);
    batch.append(batchOf(2, 3));
    assert.deepEqual(ids(batch), [1, 2, 3, 4]);
  });

  it('costs more than its bytes, for each frame and each piece of data', () => {
    const [ping, data] = [batchOf(1), new Batch()];
    const pieces = [Buffer.of(1), Buffer.of(2), Buffer.of(3)];
    data.add({ kind: 'data', stream: 1, pieces, length: 3 });
    const extra = ping.cost - ping.length;
    assert.ok(extra > 0);
    assert.equal(data.cost - data.length, 3 * extra);
    data.append(ping);
    assert.equal(data.cost - data.length, 4 * extra);
  });

  it('refuses to write frames that are not what it counted', () => {
    const headers = ['X-Name', 'value'];
    const batch = new Batch();
    batch.add({ kind: 'head', stream: 1, status: 200, reason: '', headers, ended: true });
    headers.push('X-Late', 'value');
    assert.throws(() => bytesOf(batch), /have changed/);
  });
});

function batchOf(count: number, first = 1): Batch {
  const batch = new Batch();
  for (let id = first; id < first + count; id++) batch.add({ kind: 'ping', id });
  return batch;
}

function ids(batch: Batch): number[] {
  const frames: Frame[] = [];
  decodeBatch(bytesOf(batch), (frame) => frames.push(frame));
  return frames.map((frame) => (frame.kind === 'ping' ? frame.id : -1));
}
