import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { selectContext } from '../../../shared/forwarding/kubeconfig.js';

const base = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'prod',
  contexts: [
    { name: 'prod', context: { cluster: 'c1', user: 'u1', namespace: 'x' } },
    { name: 'test', context: { cluster: 'c2', user: 'u2' } },
  ],
  clusters: [
    { name: 'c1', cluster: { server: 'https://one' } },
    { name: 'c2', cluster: { server: 'https://two' } },
  ],
  users: [
    { name: 'u1', user: { token: 'hunter2' } },
    { name: 'u2', user: {} },
  ],
};
const select = (changes: object, wanted?: string) =>
  selectContext(JSON.stringify({ ...base, ...changes }), '/k.yaml', wanted);
const faultOf = (changes: object, wanted?: string) => {
  try {
    select(changes, wanted);
  } catch (reason) {
    assert.ok(reason instanceof TunnelError);
    assert.ok(!reason.message.includes('hunter2'));
    return reason.message;
  }
  return assert.fail('expected an error');
};
const user = (fields: object) => ({ users: [{ name: 'u1', user: fields }] });
const cluster = (fields: object) => ({
  clusters: [{ name: 'c1', cluster: { server: 'https://one', ...fields } }],
});

describe('selectContext', () => {
  it('takes the current context', () => {
    const context = select({});
    assert.equal(context.name, 'prod');
    assert.equal(context.cluster.server, 'https://one');
    assert.equal(context.user.token, 'hunter2');
  });

  it('takes another context by name', () => {
    assert.equal(select({}, 'test').cluster.server, 'https://two');
    assert.equal(select({ 'current-context': '' }, 'test').clusterName, 'c2');
  });

  it('ignores keys it does not know, as kubectl does', () => {
    select({ preferences: {}, ...cluster({ 'disable-compression': true }) });
  });

  const faults: [string, object, RegExp][] = [
    ['another kind', { kind: 'Secret' }, /^kubeconfig "\/k\.yaml": this is no kubeconfig/],
    ['no apiVersion', { apiVersion: undefined }, /this is no kubeconfig/],
    ['no current-context', { 'current-context': '' }, /is missing; .*\(it has prod, test\)$/],
    ['an unknown context', { 'current-context': 'x' }, /no context "x" \(it has prod, test\)$/],
    ['no contexts', { contexts: [] }, /no context "prod" \(it has none\)$/],
    ['no cluster', { contexts: [{ name: 'prod', context: { user: 'u1' } }] }, /names no cluster/],
    ['no user', { contexts: [{ name: 'prod', context: { cluster: 'c1' } }] }, /names no user/],
    ['an unknown cluster', { clusters: [] }, /cluster "c1", which is not in clusters/],
    ['an unknown user', { users: [] }, /user "u1", which is not in users/],
    ['a proxy', cluster({ 'proxy-url': 'http://p' }), /cluster "c1": proxy-url is not supported/],
    [
      'a CA beside skipped verification',
      cluster({ 'insecure-skip-tls-verify': true, 'certificate-authority': 'ca' }),
      /exclude each other/,
    ],
    ['an auth-provider', user({ 'auth-provider': { name: 'gcp' } }), /auth-provider is not supp/],
    ['impersonation', user({ as: 'somebody' }), /user "u1": as \(impersonation\)/],
    ['impersonated groups', user({ 'as-groups': ['g'] }), /impersonation/],
    ['impersonated extras', user({ 'as-user-extra': { a: ['b'] } }), /impersonation/],
    ['two ways', user({ token: 'hunter2', username: 'me' }), /token and username exclude/],
    [
      'a wrong type',
      user({ token: ['hunter2'] }),
      /^\/k\.yaml:1:\d+: key "users\[0\]\.user\.token"/,
    ],
    ['a token in place of the user', { users: [{ name: 'u1', user: 'hunter2' }] }, /found a text/],
  ];
  for (const [what, changes, message] of faults) {
    it(`refuses ${what}`, () => assert.match(faultOf(changes), message));
  }
});
