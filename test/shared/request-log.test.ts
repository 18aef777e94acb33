import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentName, requestIdSource } from '../../shared/ids.js';
import { createLog, type LogLevel } from '../../shared/log.js';
import { createRequestLog, type RequestFacts } from '../../shared/request-log.js';

const facts: RequestFacts = {
  requestId: requestIdSource()(),
  route: { agent: agentName('prod-eu'), service: { type: 'kubernetes', name: 'k1' } },
  method: 'GET',
  target: '/api/v1/pods?watch=true&resourceVersion=12',
  status: 200,
  requestBytes: 0,
  responseBytes: 1234,
  ms: 12.34,
  ending: 'complete',
};

/** The lines that a request log at `level` writes for `changes` of the facts above. */
function linesFor(
  changes: Partial<RequestFacts>,
  level: LogLevel = 'debug',
  routineLevel?: 'debug' | 'info',
): Record<string, unknown>[] {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const { log } = createLog({ level, format: 'json', destination });
  createRequestLog(log, routineLevel && { routineLevel })({ ...facts, ...changes });
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the line of a finished request', () => {
  it('tells route, path, status, sizes, duration and ending', () => {
    const [line] = linesFor({
      callerAddress: '10.0.0.7',
      spinnakerUser: 'ada',
      executionId: '01H',
      kubectlSession: 'b1',
    });
    delete line?.['time'];
    assert.deepEqual(line, {
      level: 'debug',
      requestId: facts.requestId,
      route: 'prod-eu/kubernetes/k1',
      method: 'GET',
      path: '/api/v1/pods',
      queryNames: 'watch,resourceVersion',
      status: 200,
      requestBytes: 0,
      responseBytes: 1234,
      durationMs: 12,
      ending: 'complete',
      callerAddress: '10.0.0.7',
      spinnakerUser: 'ada',
      executionId: '01H',
      kubectlSession: 'b1',
      msg: 'request done',
    });
  });

  for (const [ending, status, atInfo] of [
    ['complete', 200, 0],
    ['complete', 500, 0], // the target's own answer
    ['CALLER_LEFT', 200, 0],
    ['AGENT_NOT_CONNECTED', 503, 1],
    ['AGENT_LOST', 200, 1], // broken off after the head
    ['CREDENTIAL_REFUSED', 401, 1],
    ['TARGET_SILENT', undefined, 1],
  ] as const) {
    it(`is ${atInfo ? '' : 'not '}written at info when it ended ${ending} with ${status ?? 'no head'}`, () => {
      assert.equal(linesFor({ ending, status }, 'info').length, atInfo);
      assert.equal(linesFor({ ending, status }, 'debug').length, 1);
      assert.equal(linesFor({ ending, status }, 'info', 'info').length, 1);
    });
  }

  it('computes nothing when its level is off', () => {
    const unexpectedLine = (line: string) => assert.fail(line);
    const untouched = new Proxy(facts, {
      get(target, name) {
        assert.equal(name, 'ending');
        return target[name as keyof RequestFacts];
      },
    });
    const { log } = createLog({
      level: 'info',
      format: 'json',
      destination: { write: unexpectedLine },
    });
    createRequestLog(log)(untouched);
  });
});

describe('secrets and tricks in a request', () => {
  it('do not get from the query or an odd target into the line', () => {
    for (const target of [
      '/a?access_token=hush',
      '/a?hush',
      '/a?x=1&hush',
      '/a?x=1#hush',
      '/a#hush',
      `/a?hush${'h'.repeat(60)}=1`,
      'http://user:hush@target/a',
      'hush:443',
    ]) {
      const text = JSON.stringify(linesFor({ target }));
      assert.ok(!text.includes('hush'), `${target} -> ${text}`);
    }
  });

  it('do not get into the line as a user who is still a signed token', () => {
    const [line] = linesFor({ spinnakerUser: `eyJhbGciOiJIUzI1NiJ9.${'e'.repeat(300)}.sig-_` });
    assert.ok(line !== undefined && !('spinnakerUser' in line));
  });

  it('cannot forge lines or drive a terminal', () => {
    const [line] = linesFor({
      target: '/a\n{"level":"info"}\u001b[2J\u2028',
      spinnakerUser: 'eve\r\nadmin',
      method: 'G\u0000T',
    });
    assert.equal(line?.['path'], '/a\\x0a{"level":"info"}\\x1b[2J\\u2028');
    assert.equal(line?.['spinnakerUser'], 'eve\\x0d\\x0aadmin');
    assert.equal(line?.['method'], 'G\\x00T');
  });

  it('cannot make the line long', () => {
    const long = 'x'.repeat(100_000);
    const [line] = linesFor({
      target: `/${long}?${`${'k'.repeat(40)}=1&`.repeat(9_999)}`,
      spinnakerUser: long,
      executionId: long,
      kubectlSession: long,
      callerAddress: long,
      method: long,
    });
    assert.ok(JSON.stringify(line).length < 2_500);
  });
});
