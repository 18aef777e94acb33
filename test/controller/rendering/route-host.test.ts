import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { routeHostName } from '../../../controller/rendering/route-host.js';
import { agentName, type Route } from '../../../shared/ids.js';

const route = (agent: string, type: string, name: string): Route => ({
  agent: agentName(agent),
  service: { type, name },
});
const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

describe('routeHostName', () => {
  it('begins with what people recognise and stays the same for ever', () => {
    // Written into kubeconfigs that live for years: this exact text must not change.
    assert.equal(
      routeHostName(route('prod-eu', 'kubernetes', 'main'), 'Svc.Example.com.'),
      'prod-eu-main-lo327muqy4gx.svc.example.com',
    );
  });

  it('is a DNS label for any names', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, text, text, (agent, type, name) => {
        const [label = '', ...rest] = routeHostName(route(agent, type, name), 'x.y').split('.');
        assert.match(label, LABEL);
        assert.deepEqual(rest, ['x', 'y']);
      }),
    );
  });

  it('tells routes apart whose names look alike, are cut, or differ in type only', () => {
    const long = 'x'.repeat(100);
    const routes = [
      route('a-b', 'kubernetes', 'c'),
      route('a', 'kubernetes', 'b-c'),
      route('a', 'kubernetes', 'B-C'),
      route('a', 'kubernetes', 'b.c'),
      route('a', 'jenkins', 'b-c'),
      route(long, 'kubernetes', 'a'),
      route(long, 'kubernetes', 'b'),
      route('☸', 'kubernetes', '☸'),
      route('é', 'kubernetes', 'é'),
    ];
    const hosts = new Set(routes.map((one) => routeHostName(one, 'd')));
    assert.equal(hosts.size, routes.length);
  });
});
