/** Header values are bytes; what they say is UTF-8. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { headerOfBytes, headerOfText, textOfHeader } from '../../../shared/http/header-text.js';

describe('a header value', () => {
  const cases: readonly (readonly [text: string, header: string])[] = [
    ['', ''],
    ['Not Found', 'Not Found'],
    ['\0\t ~\x7f', '\0\t ~\x7f'],
    ['\x80', '\xc2\x80'],
    ['jürgen', 'j\xc3\xbcrgen'],
    ['Ċ', '\xc4\x8a'],
    ['a \u{1F6A2}', 'a \xf0\x9f\x9a\xa2'],
  ];
  for (const [text, header] of cases) {
    it(`of ${JSON.stringify(text)} is its bytes, and can be read again`, () => {
      assert.equal(headerOfText(text), header);
      assert.equal(textOfHeader(header), text);
    });
  }

  it('that is no UTF-8 is read with replacements', () => {
    assert.equal(textOfHeader('j\xfcrgen'), 'j\ufffdrgen');
  });

  it('has a character for each byte', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_item, i) => i));
    const header = headerOfBytes(bytes);
    assert.equal(header.length, 256);
    assert.deepEqual(Buffer.from(header, 'latin1'), bytes);
    assert.equal(headerOfBytes(bytes.subarray(65, 68)), 'ABC');
    assert.equal(headerOfBytes(Buffer.alloc(0)), '');
  });
});
