import assert from 'node:assert/strict';
import { it } from 'node:test';
import { forgetOldest } from '../../shared/forget-oldest.js';

it('a Map that remembers within a bound forgets what was added first, and no more than needed', () => {
  const remembered = new Map<string, number>();
  for (const [i, key] of ['a', 'b', 'c'].entries()) {
    remembered.set(key, i);
    forgetOldest(remembered, 2);
  }
  assert.deepEqual([...remembered.keys()], ['b', 'c']);
  forgetOldest(remembered, 2);
  assert.equal(remembered.size, 2);
});
