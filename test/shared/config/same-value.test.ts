import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSameValue } from '../../../shared/config/same-value.js';
import { SecretValue } from '../../../shared/config/secret-value.js';

describe('isSameValue', () => {
  const secret = (text: string) => ({ a: [new SecretValue(text)] });
  const table: [string, unknown, unknown, boolean][] = [
    ['equal scalars', 1, 1, true],
    ['different scalars', 1, '1', false],
    ['nothing and null', undefined, null, false],
    ['equal mappings', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
    ['different depths', { a: { b: 2 } }, { a: { b: 3 } }, false],
    ['an absent and an undefined key', {}, { a: undefined }, true],
    ['a further key', { a: 1 }, { a: 1, b: 2 }, false],
    ['lists of different length', [1], [1, 2], false],
    ['a list and a mapping', [], {}, false],
    ['equal secrets', secret('x'), secret('x'), true],
    ['different secrets', secret('x'), secret('y'), false],
    ['a secret and its text', new SecretValue('x'), 'x', false],
  ];
  for (const [what, one, other, expected] of table) {
    it(`takes ${what} as ${expected ? 'the same' : 'different'}`, () => {
      assert.equal(isSameValue(one, other), expected);
      assert.equal(isSameValue(other, one), expected);
    });
  }
});
