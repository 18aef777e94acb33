import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TunnelError } from '../../shared/errors.js';
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
      headers: [
        ...['X-Spinnaker-User', 'ada', 'Accept-Encoding', 'gzip', 'x-spinnaker-user', 'eve'],
        ...['x-spinnaker-execution-ID', '01H', 'KUBECTL-Session', 'b1', 'Authorization', 'hush'],
      ],
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
    const [line] = linesFor({
      headers: ['X-Spinnaker-User', `eyJhbGciOiJIUzI1NiJ9.${'e'.repeat(300)}.sig-_`],
    });
    assert.ok(line !== undefined && !('spinnakerUser' in line));
  });

  it('cannot forge lines or drive a terminal', () => {
    const [line] = linesFor({
      target: '/a\n{"level":"info"}\u001b[2J\u2028',
      headers: ['X-Spinnaker-User', 'eve\r\nadmin'],
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
      headers: [
        ...['x-spinnaker-user', long, 'x-spinnaker-execution-id', long, 'kubectl-session', long],
      ],
      callerAddress: long,
      method: long,
    });
    assert.ok(JSON.stringify(line).length < 2_500);
  });
});

describe('a line written past the general serializer', () => {
  /** Lines of the same facts by both ways: a child has fields of its own, so its lines are all pino's. */
  function bothWays(format: 'json' | 'pretty', facts: RequestFacts): string[] {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const { log } = createLog({ level: 'debug', format, destination });
    for (const one of [log, log.child({})]) createRequestLog(one)(facts);
    return lines.map((line) => line.replace(/"time":"[^"]*"|^\[[^\]]*\]/, 'time'));
  }

  const anyText = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          'GET',
          '/',
          'api',
          '?',
          '&',
          '=',
          '#',
          ' ',
          '"',
          '\\',
          '\n',
          '\u2028',
          '/a/b',
        ),
        fc.constantFrom('token', '"token', '"password":"hush"', 'x","authorization","hush', 'key'),
        fc.constantFrom(
          'Bearer ',
          'BASIC ',
          'hushhushhushhush',
          'eyJ',
          'EYjhushhush',
          '.hush.hush',
        ),
        fc.constantFrom(
          '-----BEGIN PRIVATE KEY-----',
          '-----END PRIVATE KEY-----',
          'x'.repeat(120),
        ),
        fc.string({ unit: 'binary', maxLength: 5 }),
        fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
      ),
      { maxLength: 6 },
    )
    .map((parts) => parts.join(''));
  const plainText = fc.stringMatching(/^[\w.:@/-]{0,30}$/);
  const text = fc.oneof(plainText, anyText);
  const number = fc.oneof(fc.nat(), fc.constantFrom(-0.2, NaN, Infinity, 1e21, 0.5));
  const option = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
  const header = fc.tuple(
    fc.constantFrom('X-Spinnaker-User', 'x-spinnaker-execution-id', 'Kubectl-Session', 'Accept'),
    text,
  );
  const anyFacts: fc.Arbitrary<RequestFacts> = fc.record({
    requestId: fc.constant(facts.requestId),
    streamId: option(fc.nat()),
    route: option(
      fc.record({
        agent: text.map((name) => agentName(name)),
        service: fc.record({ type: text, name: text }),
      }),
    ),
    method: option(text),
    target: option(
      fc.oneof(
        text,
        text.map((rest) => `/${rest}`),
        text.map((rest) => `/a?${rest}`),
      ),
    ),
    status: option(number),
    requestBytes: number,
    responseBytes: number,
    ms: number,
    ending: fc.constantFrom('complete' as const, 'CALLER_LEFT' as const, 'AGENT_LOST' as const),
    error: option(text.map((message) => new TunnelError('AGENT_LOST', message))),
    callerAddress: option(text),
    headers: option(fc.array(header, { maxLength: 5 }).map((headers) => headers.flat())),
  });

  for (const format of ['json', 'pretty'] as const) {
    it(`is the same, whatever stands in it (${format})`, () => {
      fc.assert(
        fc.property(anyFacts, (anyOne) => {
          const [direct, general] = bothWays(format, anyOne);
          assert.ok(direct !== undefined);
          assert.equal(direct, general);
        }),
        { numRuns: format === 'json' ? 3_000 : 300 },
      );
    });
  }

  it('is any routine line, and a failure without an error', () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const { log } = createLog({ level: 'debug', format: 'json', destination });
    log.info = log.debug = () => assert.fail('went through the general serializer');
    const requestLog = createRequestLog(log);
    requestLog({ ...facts, headers: ['X-Spinnaker-User', 'ada@example.com'] });
    requestLog({ ...facts, ending: 'AGENT_LOST' });
    assert.equal(lines.length, 2);
  });

  it('has the fields of a child, and follows its level', () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const { log, setLevel } = createLog({ level: 'info', format: 'json', destination });
    const requestLogs = [log, log.child({ a: 1 })].map((one) => createRequestLog(one));
    for (const requestLog of requestLogs) requestLog(facts);
    assert.equal(lines.length, 0);
    setLevel('debug');
    for (const requestLog of requestLogs) requestLog(facts);
    assert.equal(lines.length, 2);
    assert.match(lines[1]!, /^{"level":"debug","time":"[^"]*","a":1,"requestId":/);
  });
});
