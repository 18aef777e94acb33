/** Dot segments in request targets, in the spellings that servers resolve. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasParentSegment } from '../../../shared/http/dot-segments.js';

describe('a path with a parent segment', () => {
  for (const target of [
    '/..',
    '/../other',
    '/a/../../b',
    '/a/%2e%2E/b',
    '/a/.%2e/b',
    '/a%2f..%2fb',
    '/a/..%5cb',
    '/a\\..\\b',
    '/..;/b',
    '/..?x=1',
  ]) {
    it(`is ${target}`, () => assert.equal(hasParentSegment(target), true));
  }
});

describe('a path without one', () => {
  for (const target of [
    '/',
    '/a..b',
    '/...',
    '/a/.../b',
    '/a?x=/../b',
    '/a.b/c',
    '/a/%2e%2e.b',
    '*',
  ]) {
    it(`is ${target}`, () => assert.equal(hasParentSegment(target), false));
  }
});
