/** Which requests may wait without limit for their response head. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLongRunning } from '../../../shared/http/long-running.js';
import { requestHead } from '../protocol/session-pair.js';

const LONG = [
  '/api/v1/pods?watch=true',
  '/api/v1/pods?limit=5&watch=1',
  '/api/v1/pods?watch=True&limit=5',
  '/api/v1/pods?watch=t',
  '/api/v1/pods?watch',
  '/api/v1/pods?watch=&x=1',
  '/api/v1/namespaces/a/pods/b/log?follow=true',
  '/api/v1/watch/pods',
  '/apis/apps/v1/watch/namespaces/a/deployments',
  '/api/v1/namespaces/a/services/https:b:443/proxy/poll?x=1',
  '/api/v1/namespaces/a/pods/b/proxy',
  '/api/v1/nodes/n/proxy/logs/',
];
const SHORT = [
  '/api/v1/pods',
  '/api/v1/pods?watch=false',
  '/api/v1/pods?watch=0&limit=1',
  '/api/v1/pods?watch=FALSE',
  '/api/v1/pods?unwatch=true',
  '/api/v1/pods?watcher=true',
  '/watch=true',
  '/api/v1/namespaces/watch/pods',
  '/job/watch/build?x=watch',
  '/api/v1/namespaces/proxy/pods/proxy',
  '/api/v1/namespaces/a/pods/b/proxying',
];

describe('a request', () => {
  for (const target of LONG) {
    it(`for ${target} may wait`, () => assert.equal(isLongRunning(requestHead({ target })), true));
  }
  for (const target of SHORT) {
    it(`for ${target} may not`, () => assert.equal(isLongRunning(requestHead({ target })), false));
  }
  it('to switch protocols may wait', () => {
    assert.equal(isLongRunning(requestHead({ target: '/exec', upgrade: true })), true);
  });
});
