/** A target's response head as it enters the tunnel. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { responseHead, unfitFields } from '../../../shared/forwarding/response-head.js';
import type { TargetEndpoint } from '../../../shared/forwarding/target.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';

const endpoint: TargetEndpoint = {
  host: 'jenkins.corp',
  port: 443,
  authority: 'jenkins.corp',
  basePath: '/jenkins',
  tls: {
    ca: undefined,
    cert: undefined,
    key: undefined,
    serverName: undefined,
    rejectUnauthorized: true,
  },
};
const answer = { status: 200, reason: 'OK', headers: [], method: 'GET' };

describe('a response head', () => {
  it('has the end-to-end headers, in order', () => {
    const headers = ['Connection', 'x-hop', 'X-Hop', '1', 'Set-Cookie', 'a', 'set-cookie', 'b'];
    const head = responseHead({ ...answer, headers }, endpoint);
    assert.deepEqual(head.headers, ['Set-Cookie', 'a', 'set-cookie', 'b']);
  });

  it('has no Authorization of the target', () => {
    const headers = ['authorization', 'Bearer x', 'WWW-Authenticate', 'Basic'];
    const head = responseHead({ ...answer, headers }, endpoint);
    assert.deepEqual(head.headers, ['WWW-Authenticate', 'Basic']);
  });

  it('keeps Upgrade of a switch of protocols only', () => {
    const headers = ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1'];
    assert.deepEqual(responseHead({ ...answer, headers, status: 101 }, endpoint).headers, [
      'Upgrade',
      'SPDY/3.1',
    ]);
    assert.deepEqual(responseHead({ ...answer, headers, status: 426 }, endpoint).headers, []);
  });

  const reasons: readonly (readonly [number, string, string])[] = [
    [200, 'OK', ''],
    [404, 'Not Found', ''],
    [200, 'Fine', 'Fine'],
    [200, '', ''],
    [299, 'Own', 'Own'],
    [200, 'gr\u00fcn', 'gr\u00fcn'],
    [200, 'two\r\nlines', ''],
    [200, 'bell\u0007', ''],
    [200, 'wide \u010a', ''],
  ];
  for (const [status, reason, kept] of reasons) {
    it(`has the reason ${JSON.stringify(kept)} for ${status} ${JSON.stringify(reason)}`, () => {
      assert.equal(responseHead({ ...answer, status, reason }, endpoint).reason, kept);
    });
  }

  const bodies: readonly (readonly [number, string, boolean])[] = [
    [200, 'GET', false],
    [200, 'HEAD', true],
    [404, 'HEAD', true],
    [204, 'DELETE', true],
    [304, 'GET', true],
    [205, 'POST', false],
    [101, 'GET', false],
  ];
  for (const [status, method, ended] of bodies) {
    it(`of ${status} to ${method} is ${ended ? '' : 'not '}all there is`, () => {
      assert.equal(responseHead({ ...answer, status, method }, endpoint).ended, ended);
    });
  }

  const locations: readonly (readonly [TargetEndpoint, string, string])[] = [
    [endpoint, 'https://jenkins.corp/jenkins/job/', '/job/'],
    [endpoint, 'https://JENKINS.corp:443/jenkins', '/'],
    [endpoint, 'http://jenkins.corp/jenkins/', 'http://jenkins.corp/jenkins/'],
    [{ ...endpoint, tls: undefined, port: 80, basePath: '' }, 'http://jenkins.corp:80/x', '/x'],
    [
      { ...endpoint, host: 'fd00::1', port: 6443, authority: '[fd00::1]:6443', basePath: '' },
      'https://[FD00::1]:6443/x',
      '/x',
    ],
  ];
  for (const [target, given, expected] of locations) {
    it(`turns Location ${given} into ${expected}`, () => {
      const headers = ['Location', given];
      assert.deepEqual(responseHead({ ...answer, headers }, target).headers, [
        'Location',
        expected,
      ]);
    });
  }
});

describe('the headers of a response head', () => {
  it('are the very list of the target when nothing has to go or to change', () => {
    const headers = ['Audit-Id', 'a', 'Content-Type', 'application/json', 'Date', 'd'];
    assert.equal(responseHead({ ...answer, headers }, endpoint).headers, headers);
  });

  it('are changed before Location is looked for', () => {
    const changed = (headers: string[]) => [
      ...headers,
      'Location',
      'https://jenkins.corp/jenkins/x',
    ];
    assert.deepEqual(responseHead({ ...answer, headers: ['A', '1'] }, endpoint, changed).headers, [
      ...['A', '1', 'Location', '/x'],
    ]);
  });
});

describe('fields that the tunnel cannot carry', () => {
  it('are told from those it can', () => {
    const fields = (count: number) => Array<string>(count * 2).fill('x');
    const { maxHeaderCount } = PROTOCOL_LIMITS;
    assert.equal(unfitFields(fields(maxHeaderCount)), undefined);
    assert.match(unfitFields(fields(maxHeaderCount + 1)) ?? '', /1025 header fields, at most 1024/);
    assert.match(unfitFields([], 99) ?? '', /status 99/);
  });
});
