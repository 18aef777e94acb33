/** Header lists: order, duplicates and case are kept; names are found in any case. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  headerBytes,
  headerCount,
  headerPairs,
  headerValue,
  headerValues,
  withoutHeaders,
} from '../../../shared/http/header-list.js';

const LIST = ['Accept', 'a', 'X-One', '1', 'accept', 'b', 'ACCEPT', '', 'Accepts', 'c'];

describe('a header list', () => {
  it('gives the first value of a name, in any case', () => {
    assert.equal(headerValue(LIST, 'accept'), 'a');
    assert.equal(headerValue(LIST, 'x-one'), '1');
    assert.equal(headerValue(LIST, 'x-on'), undefined);
    assert.equal(headerValue([], 'accept'), undefined);
  });

  it('does not take a value for a name', () => {
    assert.equal(headerValue(['X', 'accept', 'Y', 'z'], 'accept'), undefined);
    assert.deepEqual(headerValues(['X', 'accept'], 'accept'), []);
  });

  it('gives all values of a name in order, the empty ones too', () => {
    assert.deepEqual(headerValues(LIST, 'accept'), ['a', 'b', '']);
  });

  it('knows how many headers of a name it has', () => {
    assert.equal(headerCount(LIST, 'accept'), 3);
    assert.equal(headerCount(LIST, 'x-one'), 1);
    assert.equal(headerCount(['X', 'accept'], 'accept'), 0);
  });

  it('leaves out what is not wanted and keeps the rest as it was', () => {
    assert.deepEqual(
      withoutHeaders(LIST, (name) => name === 'accept'),
      ['X-One', '1', 'Accepts', 'c'],
    );
    assert.equal(LIST.length, 10, 'the list given is not changed');
  });

  it('knows its size as HTTP/1 lines', () => {
    const lines = 'Accept: a\r\nX-One: 1\r\naccept: b\r\nACCEPT: \r\nAccepts: c\r\n';
    assert.equal(headerBytes(LIST), lines.length);
  });

  it('gives pairs', () => {
    assert.deepEqual(headerPairs(['a', '1', 'A', '2']), [
      ['a', '1'],
      ['A', '2'],
    ]);
  });
});
