/** Spinnaker's user goes into the tunnel signed, and only what we signed comes back as a user. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  answeredUserFromTunnel,
  userFromTunnel,
  userIntoTunnel,
} from '../../../controller/callers/user-header.js';
import { TunnelError } from '../../../shared/errors.js';
import type { HeaderList } from '../../../shared/http/header-list.js';
import { requestHead } from '../../shared/protocol/session-pair.js';

/** Signs readably: `signed(user)`. */
const tokens = {
  signUserHeader: (user: string) => `signed(${user})`,
  verifyUserHeader(token: string): string {
    const match = /^signed\((.*)\)$/.exec(token);
    if (match === null) throw new Error('not signed');
    return match[1] ?? '';
  },
};
const utf8AsHeader = (text: string): string => Buffer.from(text).toString('latin1');

describe('the user of a request into the tunnel', () => {
  it('is signed, in place', () => {
    const headers = ['A', '1', 'x-SPINNAKER-user', 'alice', 'B', '2'];
    assert.deepEqual(userIntoTunnel(headers, tokens), [
      ...['A', '1', 'x-SPINNAKER-user', 'signed(alice)', 'B', '2'],
    ]);
  });

  it('is one: further ones are dropped', () => {
    const headers = ['X-Spinnaker-User', 'alice', 'A', '1', 'x-spinnaker-user', 'bob'];
    assert.deepEqual(userIntoTunnel(headers, tokens), [
      'X-Spinnaker-User',
      'signed(alice)',
      'A',
      '1',
    ]);
  });

  it('is not made up', () => {
    const headers = ['X-Spinnaker-Users', 'alice'];
    assert.equal(userIntoTunnel(headers, tokens), headers);
  });

  it('is the name, not its bytes', () => {
    const headers = userIntoTunnel(['X-Spinnaker-User', utf8AsHeader('jürgen')], tokens);
    assert.equal(headers[1], 'signed(jürgen)');
  });
});

describe('the user of a request from an agent', () => {
  it('is the one that was signed', () => {
    assert.deepEqual(fromTunnel(['X-Spinnaker-User', 'signed(alice)', 'A', '1']), [
      ...['X-Spinnaker-User', 'alice', 'A', '1'],
    ]);
  });

  it('is refused when it was not signed', () => {
    for (const value of ['alice', '', 'signed(alice']) {
      assert.throws(() => fromTunnel(['x-spinnaker-user', value]), isRefusal);
    }
  });

  it('is the first, and no unsigned one can stand behind it', () => {
    const headers = ['X-Spinnaker-User', 'signed(alice)', 'X-SPINNAKER-USER', 'admin'];
    assert.deepEqual(fromTunnel(headers), ['X-Spinnaker-User', 'alice']);
    assert.throws(() => fromTunnel([...headers].reverse().flatMap(swapped)), isRefusal);
  });

  it('may be absent', () => assert.deepEqual(fromTunnel(['A', '1']), ['A', '1']));

  it('is given to the service in bytes', () => {
    const [, value] = fromTunnel(['X-Spinnaker-User', 'signed(jürgen \u{1F6A2})']);
    assert.equal(value, utf8AsHeader('jürgen \u{1F6A2}'));
  });
});

describe('the user in an answer of a target', () => {
  it('is the one that was signed, and one', () => {
    const headers = ['X-Spinnaker-User', 'signed(jürgen)', 'A', '1', 'x-spinnaker-user', 'root'];
    assert.deepEqual(answeredUserFromTunnel(headers, tokens), [
      ...['X-Spinnaker-User', utf8AsHeader('jürgen'), 'A', '1'],
    ]);
  });

  it('is refused when it was not signed', () => {
    for (const value of ['alice', '', 'signed(alice']) {
      assert.throws(
        () => answeredUserFromTunnel(['x-spinnaker-user', value], tokens),
        (reason) => reason instanceof TunnelError && reason.code === 'TARGET_USER_REFUSED',
      );
    }
  });

  it('costs no new list when there is none', () => {
    const headers = ['A', '1'];
    assert.equal(answeredUserFromTunnel(headers, tokens), headers);
  });
});

describe('the user in a path of fiat', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/authorize/signed(alice)', '/authorize/alice'],
    ['/authorize/signed%28alice%29/roles?x=1', '/authorize/alice/roles?x=1'],
    ['/authorize/signed(a%2Fb%20c)', '/authorize/a%2Fb%20c'],
    ['/authorize/signed(j%C3%BCrgen)', '/authorize/j%C3%BCrgen'],
    ['/authorize', '/authorize'],
    ['/authorize/', '/authorize/'],
    ['/roles/sync', '/roles/sync'],
  ];
  for (const [given, target] of cases) {
    it(`${given} becomes ${target}`, () => assert.equal(fiat(given), target));
  }

  for (const target of [
    '/authorize/alice',
    '/authorize/%zz',
    '/authorize/signed%2',
    '/authorize/x?y',
  ]) {
    it(`is refused when it was not signed: ${target}`, () => {
      assert.throws(() => fiat(target), isRefusal);
    });
  }

  it('is left alone for other services and methods', () => {
    const target = '/authorize/alice';
    assert.equal(fiat(target, 'POST'), target);
    const head = requestHead({ service: { type: 'front50', name: 'front50' }, target });
    assert.equal(userFromTunnel(head, tokens).target, target);
  });
});

function fromTunnel(headers: HeaderList): HeaderList {
  return userFromTunnel(requestHead({ headers }), tokens).headers;
}

function fiat(target: string, method = 'GET'): string {
  const head = requestHead({ service: { type: 'fiat', name: 'fiat' }, target, method });
  return userFromTunnel(head, tokens).target;
}

/** Pairs of a reversed list, names first again. */
function swapped(_text: string, i: number, list: string[]): string[] {
  return i % 2 === 0 ? [list[i + 1] ?? '', list[i] ?? ''] : [];
}

function isRefusal(reason: unknown): boolean {
  return reason instanceof TunnelError && reason.code === 'CREDENTIAL_REFUSED';
}
