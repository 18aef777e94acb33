import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hostPortText, isHost, parseHostPort, urlHost } from '../../../shared/config/host-port.js';

describe('parseHostPort', () => {
  const good: [string, string, number][] = [
    ['controller:9001', 'controller', 9001],
    ['a.b-c.example:443', 'a.b-c.example', 443],
    ['10.0.0.1:1', '10.0.0.1', 1],
    ['[::1]:9001', '::1', 9001],
    [' host:80 ', 'host', 80],
  ];
  for (const [text, host, port] of good) {
    it(`reads "${text}"`, () => assert.deepEqual(parseHostPort(text), { host, port }));
  }
  for (const text of [
    'host',
    'host:',
    ':80',
    'host:0',
    'host:65536',
    'host:80x',
    'a..b:80',
    'a-.b:80',
    '1.2.3:80',
    '127.0.0.256:80',
    '::1:9001',
    '[::1]',
    '[host]:80',
    'https://host:80',
    'a b:80',
    'user@host:80',
    '',
  ]) {
    it(`refuses "${text}"`, () => assert.equal(parseHostPort(text), undefined));
  }
});

it('puts only IPv6 addresses into brackets', () => {
  assert.equal(urlHost('::1'), '[::1]');
  assert.equal(urlHost('127.0.0.1'), '127.0.0.1');
  assert.equal(hostPortText({ host: 'fe80::1', port: 1 }), '[fe80::1]:1');
  assert.equal(hostPortText({ host: 'h', port: 1 }), 'h:1');
});

it('tells hosts from other texts', () => {
  assert.ok(isHost('a_b.example'));
  assert.ok(isHost('::1'));
  assert.ok(isHost('10.0.0.1'));
  assert.ok(isHost('a.example.'));
  assert.ok(isHost('1.example'));
  for (const text of ['-a', 'a-', 'a-.b', 'a..b', '.a', 'a..', '1', '1.2.3', '0x7f.1']) {
    assert.ok(!isHost(text), text);
  }
  assert.ok(!isHost('a/b'));
  assert.ok(!isHost(''));
  assert.ok(!isHost('a'.repeat(254)));
});
