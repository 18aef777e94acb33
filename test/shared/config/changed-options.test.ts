import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { optionsNeedingRestart } from '../../../shared/config/changed-options.js';

describe('changed options that need a restart', () => {
  const cases: [string, Record<string, unknown>, Record<string, unknown>, string[]][] = [
    ['none when nothing changed', { a: 1, b: { c: [1] } }, { a: 1, b: { c: [1] } }, []],
    [
      'those that differ, deep down too',
      { a: 1, b: { c: [1] } },
      { a: 2, b: { c: [2] } },
      ['a', 'b'],
    ],
    ['not those that are applied live', { live: 1, a: 1 }, { live: 2, a: 1 }, []],
    ['those that were added', {}, { a: 1 }, ['a']],
    ['those that were removed', { a: 1 }, {}, ['a']],
    ['not one that is as undefined as before', { a: undefined }, {}, []],
  ];
  for (const [what, before, after, expected] of cases) {
    it(`are ${what}`, () => {
      assert.deepEqual(optionsNeedingRestart(before, after, new Set(['live'])), expected);
    });
  }
});
