/** Location on its way from a target to a caller: what points at the target stays below the caller's address. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { locationForCaller, locationFromTarget } from '../../../shared/http/location.js';

const jenkins = {
  origins: ['https://jenkins.corp', 'https://jenkins.corp:443'],
  basePath: '/jenkins',
};
const apiserver = { origins: ['https://10.0.0.1:6443', 'https://[fd00::1]:6443'], basePath: '' };

type Case = readonly [given: string, atTarget: string];

describe('a Location of a target without a base path', () => {
  const cases: readonly Case[] = [
    ['https://10.0.0.1:6443/api/v1', '/api/v1'],
    ['HTTPS://10.0.0.1:6443/Api?x=%2F#f', '/Api?x=%2F#f'],
    ['https://10.0.0.1:6443', '/'],
    ['https://10.0.0.1:6443?x=1', '/?x=1'],
    ['https://10.0.0.1:6443#f', '/#f'],
    ['https://[fd00::1]:6443/x', '/x'],
    ['//10.0.0.1:6443/x', '/x'],
    ['https://10.0.0.1:6443//elsewhere/x', '/.//elsewhere/x'],
    ['/api/v1/../x', '/api/v1/../x'],
    ['/', '/'],
    ['relative/path', 'relative/path'],
    ['?only=query', '?only=query'],
    ['', ''],
    // other servers
    ['https://10.0.0.1:64433/x', 'https://10.0.0.1:64433/x'],
    ['https://10.0.0.1:6443.evil/x', 'https://10.0.0.1:6443.evil/x'],
    ['https://10.0.0.1:6443@evil/x', 'https://10.0.0.1:6443@evil/x'],
    ['http://10.0.0.1:6443/x', 'http://10.0.0.1:6443/x'],
    ['https://10.0.0.1/x', 'https://10.0.0.1/x'],
    ['//elsewhere/x', '//elsewhere/x'],
  ];
  for (const [given, expected] of cases) {
    it(`"${given}" becomes "${expected}"`, () => {
      assert.deepEqual(locationFromTarget(['Location', given], apiserver), ['Location', expected]);
    });
  }
});

describe('a Location of a target with a base path', () => {
  const cases: readonly Case[] = [
    ['https://jenkins.corp/jenkins/job/x/', '/job/x/'],
    ['https://jenkins.corp:443/jenkins/queue/item/5/', '/queue/item/5/'],
    ['/jenkins/login', '/login'],
    ['/jenkins', '/'],
    ['/jenkins/', '/'],
    ['/jenkins?x=1', '/?x=1'],
    ['/jenkins#top', '/#top'],
    ['/jenkins//elsewhere/x', '/.//elsewhere/x'],
    // beside the base path: not reachable through the tunnel
    ['/jenkinsx/login', '/jenkinsx/login'],
    ['https://jenkins.corp/login', 'https://jenkins.corp/login'],
  ];
  for (const [given, expected] of cases) {
    it(`"${given}" becomes "${expected}"`, () => {
      assert.deepEqual(locationFromTarget(['location', given], jenkins), ['location', expected]);
    });
  }
});

describe('a Location for a caller', () => {
  const cases: readonly Case[] = [
    ['/job/x', 'https://ctl:9002/agents/a/jenkins/ci/job/x'],
    ['/', 'https://ctl:9002/agents/a/jenkins/ci/'],
    ['/?x', 'https://ctl:9002/agents/a/jenkins/ci/?x'],
    ['//elsewhere/x', '//elsewhere/x'],
    ['https://elsewhere/x', 'https://elsewhere/x'],
    ['relative', 'relative'],
    ['', ''],
  ];
  for (const [given, expected] of cases) {
    it(`"${given}" becomes "${expected}"`, () => {
      const headers = locationForCaller(
        ['Location', given],
        'https://ctl:9002',
        '/agents/a/jenkins/ci',
      );
      assert.deepEqual(headers, ['Location', expected]);
    });
  }

  it('keeps the last segment of a 201, from target to caller', () => {
    const created = ['Location', 'https://jenkins.corp/jenkins/queue/item/42/'];
    const headers = locationForCaller(locationFromTarget(created, jenkins), 'https://ctl', '');
    assert.deepEqual(headers, ['Location', 'https://ctl/queue/item/42/']);
  });
});

describe('a header list', () => {
  it('without a Location is handed on as it is', () => {
    const headers = ['Content-Location', '/x', 'X', '/y'];
    assert.equal(locationFromTarget(headers, apiserver), headers);
    assert.equal(locationForCaller(headers, 'https://c', ''), headers);
  });

  it('with several changes each, nothing else, and not the list given', () => {
    const headers = ['A', '/a', 'LOCATION', '/b', 'Location', '/c', 'B', '/d'];
    const changed = locationForCaller(headers, 'https://c', '/p');
    assert.deepEqual(changed, [
      ...['A', '/a', 'LOCATION', 'https://c/p/b', 'Location', 'https://c/p/c', 'B', '/d'],
    ]);
    assert.equal(headers[3], '/b');
  });
});
