/** The address of a request: its path prefix and host name must be those of its credential's route. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routeAddress } from '../../../controller/callers/route-address.js';
import { routeHostName } from '../../../controller/rendering/route-host.js';
import { TunnelError } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import type { Route } from '../../../shared/ids.js';
import { testExchange } from './test-exchange.js';

const ROUTE: Route = { agent: agentName('prod'), service: { type: 'kubernetes', name: 'k8s' } };
const ODD: Route = { agent: agentName('a/b ü%'), service: { type: 'x?y', name: 'n#m' } };
const PREFIX = '/agents/prod/kubernetes/k8s';
const ODD_PREFIX = '/agents/a%2Fb%20%C3%BC%25/x%3Fy/n%23m';

const NO_HOSTS: ReadonlySet<string> = new Set();
/** The controller's own name may lie below the domain of the routes. */
const OWN_HOSTS: ReadonlySet<string> = new Set(['fairlead.svc.example.com']);

describe('a path with the prefix of the route', () => {
  const cases: readonly (readonly [
    given: string,
    target: string,
    prefix: string,
    route?: Route,
  ])[] = [
    [`${PREFIX}/api/v1/pods?watch=true`, '/api/v1/pods?watch=true', PREFIX],
    [PREFIX, '/', PREFIX],
    [`${PREFIX}/`, '/', PREFIX],
    [`${PREFIX}?timeout=32s`, '/?timeout=32s', PREFIX],
    [`${PREFIX}//api%2Fx/../y|[z]`, '//api%2Fx/../y|[z]', PREFIX],
    [`${PREFIX}${PREFIX}/x`, `${PREFIX}/x`, PREFIX],
    // a service with such paths of its own
    [`${PREFIX}/agents/x/y/z/logs?a`, '/agents/x/y/z/logs?a', PREFIX],
    [`${PREFIX}/x?y=/agents/other/a/b`, '/x?y=/agents/other/a/b', PREFIX],
    // as somebody else may have encoded it
    ['/agents/%70rod/kubernetes/k%38s/x', '/x', '/agents/%70rod/kubernetes/k%38s'],
    [`${ODD_PREFIX}/x`, '/x', ODD_PREFIX, ODD],
  ];
  for (const [given, target, prefix, route = ROUTE] of cases) {
    it(`is cut: ${given}`, () => {
      const address = routeAddress(testExchange({ target: given }), route, undefined, NO_HOSTS);
      assert.deepEqual(address, { target, prefix });
    });
  }
});

describe('a path without a prefix', () => {
  const targets = [
    '/api/v1/pods',
    '/',
    '*',
    '/agents',
    '/agents/',
    '/agents/prod/kubernetes',
    '/agents/prod/kubernetes/',
    '/agents/prod/kubernetes//x',
    '/agents//kubernetes/k8s',
    '/Agents/prod/kubernetes/k8s',
    '//agents/prod/kubernetes/k8s',
    '/x/agents/other/kubernetes/k8s',
    '/agentsx/other/kubernetes/k8s',
    '/agents?x=/other/kubernetes/k8s',
    '/agents/prod?x=/kubernetes/k8s',
  ];
  for (const target of targets) {
    it(`goes on as it is: ${target}`, () => {
      const address = routeAddress(testExchange({ target }), ROUTE, undefined, NO_HOSTS);
      assert.deepEqual(address, { target, prefix: '' });
    });
  }
});

describe('a path with the prefix of another route', () => {
  const targets = [
    '/agents/other/kubernetes/k8s/api',
    '/agents/prod/jenkins/k8s/api',
    '/agents/prod/kubernetes/other/api',
    '/agents/prod/kubernetes/k8s2',
    '/agents/prod/kubernetes/k8',
    '/agents/prod/kubernetes/K8S/x',
    '/agents/prod/kubernetes/../x',
    '/agents/prod/kubernetes/k8s%2Fx',
    '/agents/prod/kubernetes/k8s;v=1/x',
    '/agents/prod/kubernetes/k8s%00',
    '/agents/prod/kubernetes/k8s%zz/x',
    '/agents/other/kubernetes/k8s',
    '/agents/other/kubernetes/k8s?x',
  ];
  for (const target of targets) {
    it(`is refused: ${target}`, () => {
      assert.throws(
        () => routeAddress(testExchange({ target }), ROUTE, undefined, NO_HOSTS),
        isMismatch,
      );
    });
  }
});

it('a path that looks like a prefix is refused with what to do if it is none', () => {
  assert.throws(
    () => routeAddress(testExchange({ target: '/agents/x/y/z' }), ODD, undefined, NO_HOSTS),
    /if the service itself has such a path, send it behind \/agents\/a%2Fb%20%C3%BC%25\/x%3Fy\/n%23m$/,
  );
});

describe('the host name of a request', () => {
  const own = routeHostName(ROUTE, 'svc.example.com');
  const other = routeHostName(ODD, 'svc.example.com');
  const good = [
    own,
    own.toUpperCase(),
    `${own}:9002`,
    `${own}.:9002`,
    'controller.example.com',
    'fairlead.svc.example.com',
    'Fairlead.svc.example.com:9002',
    'svc.example.com',
    'svc.example.com.evil.org',
    '10.0.0.1:9002',
    '[::1]:9002',
  ];
  for (const host of good) {
    it(`may be ${host}`, () => {
      const exchange = testExchange({ headers: ['host', host], target: '/x' });
      for (const domain of ['svc.example.com', 'SVC.Example.com']) {
        assert.deepEqual(routeAddress(exchange, ROUTE, domain, OWN_HOSTS), {
          target: '/x',
          prefix: '',
        });
      }
    });
  }
  for (const host of [other, `${other}:9002`, 'x.svc.example.com', `x.${own}`, `${other}.`]) {
    it(`may not be ${host}`, () => {
      const exchange = testExchange({ headers: ['Host', host] });
      for (const domain of ['svc.example.com', 'SVC.Example.com']) {
        assert.throws(() => routeAddress(exchange, ROUTE, domain, OWN_HOSTS), isMismatch);
      }
      assert.ok(
        routeAddress(exchange, ROUTE, undefined, NO_HOSTS),
        'without a service domain it says nothing',
      );
    });
  }

  it('may be missing', () => {
    assert.ok(routeAddress(testExchange({}), ROUTE, 'svc.example.com', NO_HOSTS));
  });
});

function isMismatch(reason: unknown): boolean {
  return (
    reason instanceof TunnelError &&
    reason.code === 'ROUTE_MISMATCH' &&
    reason.message.includes('prod/kubernetes/k8s') &&
    !/NotFound|forbidden/.test(reason.message)
  );
}
