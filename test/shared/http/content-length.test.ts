/** What a head promises of its body, and which promises are none. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { announcedLength, bodyLength } from '../../../shared/http/content-length.js';

const NAME = 'Content-Length';

describe('an announced length', () => {
  const cases: readonly (readonly [string[], number | 'faulty' | undefined])[] = [
    [[], undefined],
    [['X', NAME, 'Content-Lengths', '5', 'Content-Langth', '5'], undefined],
    [[NAME, '0'], 0],
    [['X', '1', 'content-LENGTH', '1234'], 1234],
    [[NAME, '999999999999999'], 999_999_999_999_999],
    [[NAME, '1000000000000000'], 'faulty'],
    [[NAME, ''], 'faulty'],
    [[NAME, '-1'], 'faulty'],
    [[NAME, '+1'], 'faulty'],
    [[NAME, '1.0'], 'faulty'],
    [[NAME, '0x1'], 'faulty'],
    [[NAME, ' 1'], 'faulty'],
    [[NAME, '1\n'], 'faulty'],
    [[NAME, '5, 5'], 'faulty'],
    [[NAME, '5', 'X', '1', 'content-length', '5'], 'faulty'],
    [[NAME, '5', NAME, '6'], 'faulty'],
  ];
  for (const [headers, length] of cases) {
    it(`of ${JSON.stringify(headers)} is ${length}`, () => {
      assert.equal(announcedLength(headers), length);
    });
  }
});

describe('the length of a body', () => {
  const five = [NAME, '5'];
  const cases: readonly (readonly [
    number,
    string,
    string[],
    boolean,
    number | 'faulty' | undefined,
  ])[] = [
    [200, 'GET', five, false, 5],
    [200, 'GET', [], false, undefined],
    [200, 'GET', [], true, undefined],
    [200, 'GET', [NAME, '0'], true, 0],
    [200, 'GET', five, true, 'faulty'],
    [200, 'HEAD', five, true, 0],
    [304, 'GET', five, true, 0],
    [204, 'DELETE', [], true, 0],
    [204, 'DELETE', [NAME, 'x'], true, 'faulty'],
    [200, 'HEAD', [...five, ...five], true, 'faulty'],
  ];
  for (const [status, method, headers, ended, length] of cases) {
    const what = `${status} to ${method} with ${headers.join(': ')}${ended ? ', ended' : ''}`;
    it(`of ${what} is ${length}`, () => {
      assert.equal(bodyLength({ status, headers, ended }, method), length);
    });
  }
});
