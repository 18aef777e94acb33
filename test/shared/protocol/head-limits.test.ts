/** What is too much for one frame is found by its sender. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeBatch } from '../../harness/encoded-batch.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import { headFault } from '../../../shared/protocol/head-limits.js';

const { maxHeaderCount, maxHeadBytes } = PROTOCOL_LIMITS;

describe('a head', () => {
  it('may have as many fields as the limit, and not one more', () => {
    const fields = (count: number) => Array<string>(count * 2).fill('x');
    assert.equal(headFault(fields(maxHeaderCount)), undefined);
    assert.match(headFault(fields(maxHeaderCount + 1)) ?? '', /1025 header fields, at most 1024/);
  });

  it('may have as many bytes as the limit, its start line included', () => {
    const field = ['x', 'y'.repeat(maxHeadBytes - 1000)];
    assert.equal(headFault(field), undefined);
    assert.match(headFault(field, 1000) ?? '', /at most 524288/);
  });

  it('never takes more on the wire than it was counted for', () => {
    for (const length of [0, 1, 127, 128, 129, 400]) {
      const headers = Array<string>(maxHeaderCount * 2).fill('x'.repeat(length));
      const isFine = headFault(headers) === undefined;
      const frame = { kind: 'end', stream: 0xffffffff, trailers: headers } as const;
      const bytes = encodeBatch([frame]).length;
      if (isFine) assert.ok(bytes <= maxHeadBytes + 64, `${length}: ${bytes}`);
    }
  });
});
