/** Names, ids and their texts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  agentName,
  newSessionId,
  requestIdSource,
  routeText,
  serviceText,
} from '../../shared/ids.js';

describe('ids', () => {
  it('of sessions are 80 random bits that may stand in a URL', () => {
    const ids = new Set(Array.from({ length: 1000 }, newSessionId));
    assert.equal(ids.size, 1000);
    for (const id of ids) assert.match(id, /^[\w-]{14}$/);
  });

  it('of requests differ within a process and between processes', () => {
    const [one, other] = [requestIdSource(), requestIdSource()];
    const ids = new Set([
      ...Array.from({ length: 100 }, one),
      ...Array.from({ length: 100 }, other),
    ]);
    assert.equal(ids.size, 200);
    for (const id of ids) assert.match(id, /^[0-9a-f]{12}-[0-9a-z]+$/);
  });
});

describe('texts of routes', () => {
  const service = { type: 'kubernetes', name: 'k8s' };
  it('name the service, and the agent before it', () => {
    assert.equal(serviceText(service), 'kubernetes/k8s');
    assert.equal(routeText({ agent: agentName('prod-eu'), service }), 'prod-eu/kubernetes/k8s');
  });
});
