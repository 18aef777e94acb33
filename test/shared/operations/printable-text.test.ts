import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printableText } from '../../../shared/operations/printable-text.js';

describe('printable text', () => {
  for (const [text, shown] of [
    ['/api/v1/pods/%2F', '/api/v1/pods/%2F'],
    ['zürich-東', 'zürich-東'],
    ['a\r\n\tb\u0000\u007f\u009b', 'a\\x0d\\x0a\\x09b\\x00\\x7f\\x9b'],
    ['a\u2028b\u2029c\u202ed\u2066', 'a\\u2028b\\u2029c\\u202ed\\u2066'],
  ] as const) {
    it(`is ${JSON.stringify(shown)} for ${JSON.stringify(text)}`, () => {
      assert.equal(printableText(text, 100), shown);
    });
  }

  it('is cut after the given number of characters, visibly', () => {
    assert.equal(printableText('abcdef', 6), 'abcdef');
    assert.equal(printableText('abcdefg', 6), 'abcdef…');
  });
});
