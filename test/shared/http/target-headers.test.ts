/** What a target gets: its own Host and credential, and from callers nothing that names another user. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { targetHeaders, type TargetIdentity } from '../../../shared/http/target-headers.js';
import { headerList } from '../protocol/arbitrary-frames.js';

const kubernetes: TargetIdentity = {
  kind: 'kubernetes',
  authority: 'api.corp:6443',
  authorization: 'Bearer of-the-agent',
};
const jenkins: TargetIdentity = { ...kubernetes, kind: 'generic', authority: 'jenkins.corp' };
const OWN = ['Host', 'api.corp:6443', 'Authorization', 'Bearer of-the-agent'];

describe('headers for any target', () => {
  it('have its Host and credential first, and not those of the caller', () => {
    const given = ['host', 'controller', 'HOST', 'x', 'authorization', 'Bearer c', 'Accept', 'a'];
    for (const target of [kubernetes, jenkins]) {
      assert.deepEqual(targetHeaders(given, target, false), [
        ...['Host', target.authority, 'Authorization', 'Bearer of-the-agent'],
        ...['Accept', 'a'],
      ]);
    }
  });

  it('have no Authorization when the target needs none, not even the caller’s', () => {
    const target = { ...jenkins, authorization: undefined };
    const given = ['Authorization', 'Basic c', 'AUTHORIZATION', 'x'];
    assert.deepEqual(targetHeaders(given, target, false), ['Host', 'jenkins.corp']);
  });

  it('cannot lose its credential to a Connection header', () => {
    const given = ['Connection', 'Authorization, Host', 'Accept', 'a'];
    assert.deepEqual(targetHeaders(given, kubernetes, false), [...OWN, 'Accept', 'a']);
  });

  it('say Connection: Upgrade once for a switch of protocols', () => {
    const given = ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'SPDY/3.1'];
    assert.deepEqual(targetHeaders(given, kubernetes, true), [
      ...OWN,
      ...['Upgrade', 'SPDY/3.1', 'Connection', 'Upgrade'],
    ]);
    assert.deepEqual(targetHeaders(given, kubernetes, false), OWN);
  });

  it('keep duplicates, order and case of everything else', () => {
    const given = ['X-B', '1', 'x-a', '2', 'x-b', '3', 'Cookie', 'a=b', 'Expect', '100-continue'];
    assert.deepEqual(targetHeaders(given, kubernetes, false), [...OWN, ...given]);
  });
});

describe('headers for kubernetes', () => {
  const dropped = [
    'Impersonate-User',
    'impersonate-user',
    'IMPERSONATE-GROUP',
    'Impersonate-Uid',
    'Impersonate-Extra-scopes.authorization.k8s.io',
    'X-Remote-User',
    'x-remote-group',
    'X-Remote-Extra-Scopes',
    'X-Spinnaker-User',
    'x-spinnaker-accounts',
  ];
  for (const name of dropped) {
    it(`have no ${name}, first, last or twice`, () => {
      const given = [name, 'admin', 'Accept', 'a', name, 'admin'];
      assert.deepEqual(targetHeaders(given, kubernetes, false), [...OWN, 'Accept', 'a']);
    });
  }

  it('keep names that only begin alike', () => {
    const given = ['Impersonated', '1', 'X-Remote', '2', 'X-Remotely-User', '3'];
    assert.deepEqual(targetHeaders(given, kubernetes, false), [...OWN, ...given]);
  });

  it('leave such names to other targets, which do not know them', () => {
    const given = ['Impersonate-User', 'admin', 'X-Spinnaker-User', 'u'];
    assert.deepEqual(targetHeaders(given, jenkins, false).slice(4), given);
  });

  const bearer = 'base64url.bearer.authorization.k8s.io.c2VjcmV0';
  const protocols: readonly (readonly [string, string | undefined])[] = [
    ['v5.channel.k8s.io', 'v5.channel.k8s.io'],
    ['v5.channel.k8s.io,  v4.channel.k8s.io', 'v5.channel.k8s.io,  v4.channel.k8s.io'],
    [`v4.channel.k8s.io, ${bearer}`, 'v4.channel.k8s.io'],
    [`${bearer},v4.channel.k8s.io,v5.channel.k8s.io`, 'v4.channel.k8s.io, v5.channel.k8s.io'],
    [`a, ${bearer}, ${bearer}x, b`, 'a, b'],
    [bearer.toUpperCase(), undefined],
    [bearer, undefined],
  ];
  for (const [given, kept] of protocols) {
    it(`take the bearer token out of Sec-WebSocket-Protocol: ${given.slice(0, 40)}`, () => {
      const headers = targetHeaders(['sec-websocket-protocol', given], kubernetes, true);
      const values = kept === undefined ? [] : ['sec-websocket-protocol', kept];
      assert.deepEqual(headers, [...OWN, ...values, 'Connection', 'Upgrade']);
    });
  }

  it('take it out of each of several such headers', () => {
    const name = 'Sec-WebSocket-Protocol';
    assert.deepEqual(
      targetHeaders([name, 'a', name, bearer, name, `b, ${bearer}`], kubernetes, true),
      [...OWN, ...[name, 'a', name, 'b', 'Connection', 'Upgrade']],
    );
  });

  it('never speak as somebody else, whatever a caller sends', () => {
    fc.assert(
      fc.property(headerList, fc.constantFrom(...dropped, 'Authorization'), (headers, name) => {
        const given = [...headers, name, 'somebody-else', ...headers];
        assert.ok(!targetHeaders(given, kubernetes, false).includes('somebody-else'));
      }),
    );
  });
});
