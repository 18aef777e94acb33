/** Sets of header names: every case of a name, and nothing that is only like one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeaderNames } from '../../../shared/http/header-names.js';

const LONG = 'x-a-name-of-forty-characters-in-all-here';
const names = new HeaderNames(['te', 'connection', 'keep-alive', LONG]);

describe('a set of header names', () => {
  const members = ['te', 'TE', 'tE', 'Connection', 'KEEP-ALIVE', 'keep-alive', LONG.toUpperCase()];
  for (const name of members) it(`has ${name}`, () => assert.ok(names.has(name)));

  const others = [
    '',
    't',
    'tf',
    'te ',
    'trailers',
    'connections',
    'user-agent', // as long as Connection
    'keep_alive',
    'x-length', // as long as the long one, modulo 32
    LONG.slice(1),
    'constructor',
  ];
  for (const name of others) {
    it(`has not ${JSON.stringify(name)}`, () => assert.ok(!names.has(name)));
  }

  it('tells whether a list has one of them, by its names and not by its values', () => {
    assert.ok(names.isIn(['Accept', 'a', 'Te', 'trailers']));
    assert.ok(!names.isIn(['Accept', 'te', 'X', 'connection']));
    assert.ok(!names.isIn([]));
  });

  it('may be empty', () => assert.ok(!new HeaderNames([]).has('')));
});
