/** What is written down of a forwarded stream, for each way in which it can end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { StreamReports } from '../../../shared/forwarding/stream-report.js';
import { agentName } from '../../../shared/ids.js';
import type { CountedFacts } from '../../../shared/operations/request-counters.js';
import type { RequestHead, ResponseHead } from '../../../shared/protocol/frame.js';
import type { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';
import type { RequestFacts } from '../../../shared/request-log.js';
import { RecordingHandler } from '../protocol/recording-handler.js';
import { SessionPair, requestHead } from '../protocol/session-pair.js';

const OK: ResponseHead = { status: 200, reason: '', headers: [], ended: false };
const LEFT = new TunnelError('CALLER_LEFT', 'the caller left');

/** A stream that the controller opened, at the agent, and what has been reported of it. */
async function reported(head: Partial<RequestHead> = {}, isOffered = true) {
  const pair = await SessionPair.serving();
  const logged: RequestFacts[] = [];
  const counted: CountedFacts[] = [];
  const reports = new StreamReports({
    requestLog: (facts) => void logged.push(facts),
    metrics: { requestFinished: (facts) => void counted.push(facts) },
    clock: pair.clock,
    agent: agentName('prod'),
  });
  const service = new RecordingHandler();
  pair.dialer.accept = (stream, given) => {
    reports.begin(stream, given, isOffered);
    service.stream = stream;
    stream.attach(service);
  };
  const caller = new RecordingHandler();
  const callerStream = pair.acceptor.session.open(requestHead(head), caller);
  caller.stream = callerStream;
  await pair.settle();
  const [serviceStream] = pair.dialer.accepted;
  assert.ok(serviceStream !== undefined);
  return { pair, logged, counted, callerStream, serviceStream };
}

describe('the report on a forwarded stream', () => {
  it('has route, status, bytes both ways and times of a whole exchange', async () => {
    const headers = ['X-Spinnaker-User', 'signed', 'X-Spinnaker-Execution-Id', '01H'];
    const { pair, logged, counted, callerStream, serviceStream } = await reported({
      method: 'PUT',
      target: '/job?token=x',
      headers,
      ended: false,
    });
    callerStream.write(Buffer.from('request'));
    callerStream.end();
    await pair.settle();
    pair.clock.advance(20);
    serviceStream.sendHead({ ...OK, status: 103 });
    pair.clock.advance(20);
    serviceStream.sendHead({ ...OK, status: 201 });
    serviceStream.write(Buffer.from('an answer'));
    pair.clock.advance(10);
    serviceStream.end();
    assert.equal(logged.length, 0, 'not before the last bytes have left');
    await pair.settle();
    const [facts] = logged;
    assert.ok(facts !== undefined);
    const { requestId, ...others } = facts;
    assert.match(requestId, /^[0-9a-f]{12}-1$/);
    assert.deepEqual(others, {
      streamId: 2,
      route: { agent: 'prod', service: { type: 'jenkins', name: 'ci' } },
      method: 'PUT',
      target: '/job?token=x',
      status: 201,
      requestBytes: 7,
      responseBytes: 9,
      ms: 50,
      headMs: 40,
      ending: 'complete',
      error: undefined,
      headers,
    });
    assert.deepEqual([logged.length, counted], [1, logged]);
  });

  type Step = (streams: { callerStream: TunnelStream; serviceStream: TunnelStream }) => void;
  const endings: Readonly<
    Record<string, readonly [ending: string, status: number | undefined, Step]>
  > = {
    'the target cannot be reached': [
      'TARGET_UNREACHABLE',
      undefined,
      ({ serviceStream }) => serviceStream.reset(new TunnelError('TARGET_UNREACHABLE', 'down')),
    ],
    'the target breaks off': [
      'TARGET_BROKE_OFF',
      200,
      ({ serviceStream }) => {
        serviceStream.sendHead(OK);
        serviceStream.reset(new TunnelError('TARGET_BROKE_OFF', 'gone'));
      },
    ],
    'the caller leaves': ['CALLER_LEFT', undefined, ({ callerStream }) => callerStream.reset(LEFT)],
    'the answer is early and whole': [
      'complete',
      413,
      ({ serviceStream }) => {
        serviceStream.sendHead({ ...OK, status: 413 });
        serviceStream.end();
        serviceStream.stop();
      },
    ],
  };
  for (const [situation, [ending, status, step]] of Object.entries(endings)) {
    it(`says how it ended when ${situation}`, async () => {
      const { pair, logged, counted, ...streams } = await reported({ ended: false });
      step(streams);
      await pair.settle();
      assert.deepEqual(
        logged.map((facts) => [facts.ending, facts.status]),
        [[ending, status]],
      );
      assert.equal(counted.length, 1);
    });
  }

  it('says so when the session is lost', async () => {
    const { pair, logged } = await reported();
    pair.dialer.session.close(new TunnelError('AGENT_LOST', 'the link is gone'));
    assert.deepEqual(
      logged.map(({ ending }) => ending),
      ['AGENT_LOST'],
    );
  });

  it('makes neither a series nor a line of a service that nobody offers', async () => {
    const { pair, logged, counted, serviceStream } = await reported({}, false);
    serviceStream.reset(new TunnelError('SERVICE_NOT_OFFERED', 'no'));
    await pair.settle();
    assert.deepEqual(logged, []);
    assert.deepEqual(
      counted.map(({ route, ending }) => [route, ending]),
      [[undefined, 'SERVICE_NOT_OFFERED']],
    );
  });
});
