import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  httpsUrl,
  routePathPrefix,
  routeUrlByPath,
} from '../../../controller/rendering/service-url.js';
import { agentName, type Route } from '../../../shared/ids.js';

const route = (agent: string, name: string): Route => ({
  agent: agentName(agent),
  service: { type: 'kubernetes', name },
});

describe('service URLs', () => {
  it('always names the port, and puts IPv6 addresses into brackets', () => {
    assert.equal(httpsUrl('host.example.com', 443), 'https://host.example.com:443');
    assert.equal(httpsUrl('::1', 9002), 'https://[::1]:9002');
  });

  it('percent-encodes each name of a path prefix as one segment', () => {
    assert.equal(routePathPrefix(route('a b', 'x?y#z')), '/agents/a%20b/kubernetes/x%3Fy%23z');
    assert.equal(routePathPrefix(route('100%', 'a/b')), '/agents/100%25/kubernetes/a%2Fb');
  });

  it('makes a URL whose path a URL parser leaves alone', () => {
    const url = routeUrlByPath('h', 1, route('ä', 'ö ☸'));
    assert.equal(new URL(url).href, url);
  });
});
