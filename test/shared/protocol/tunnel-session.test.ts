/** A session's life: handshake, drain, close, silence. What streams carry is tunnel-stream.test.ts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import type { ResponseHead } from '../../../shared/protocol/frame.js';
import type { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';
import { RecordingHandler } from './recording-handler.js';
import { SessionPair, requestHead } from './session-pair.js';

const OK: ResponseHead = { status: 200, reason: '', headers: [], ended: false };

describe('a session', () => {
  it('serves both ways after its handshake', async () => {
    const pair = new SessionPair();
    assert.deepEqual(
      pair.ends.map(({ session }) => session.state),
      ['handshaking', 'handshaking'],
    );
    assert.deepEqual(
      pair.ends.map(({ session }) => session.isServing),
      [false, false],
    );
    await pair.settle();
    assert.deepEqual(
      pair.ends.map(({ session }) => session.isServing),
      [true, true],
    );
    for (const { session } of pair.ends) {
      const caller = new RecordingHandler();
      session.open(requestHead(), caller);
      await pair.settle();
      const [stream] = pair.ends.flatMap(({ accepted }) => accepted.splice(0));
      stream?.sendHead({ ...OK, ended: true });
      await pair.settle();
      assert.deepEqual(caller.events, ['head 200']);
    }
  });

  it('numbers streams of the dialling end oddly and those of the other evenly, upwards', async () => {
    const pair = await SessionPair.serving();
    const ids = pair.ends.map(({ session }) =>
      [1, 2, 3].map(() => session.open(requestHead(), new RecordingHandler()).id),
    );
    assert.deepEqual(ids, [
      [1, 3, 5],
      [2, 4, 6],
    ]);
  });

  it('learns what the peer offers, and hears of changes', async () => {
    const pair = await SessionPair.serving();
    const service = {
      type: 'jenkins',
      name: 'ci',
      configured: true,
      annotations: {},
      namespaces: [],
      accountId: '',
      assumeRole: '',
    };
    pair.dialer.session.send({ kind: 'services', services: [service] });
    await pair.settle();
    assert.equal(pair.acceptor.session.peerServices[0]?.name, 'ci');
    assert.equal(pair.acceptor.changes, 1);
  });

  it('measures its round trip and remembers when the peer was heard', async () => {
    const pair = await SessionPair.serving();
    assert.equal(pair.acceptor.session.rttMs, 0);
    assert.equal(pair.acceptor.session.lastPing, pair.clock.now());
  });

  it('ignores a second handshake of its own side', async () => {
    const pair = await SessionPair.serving();
    pair.acceptor.session.established({ services: [], window: 0 });
    const stream = pair.acceptor.session.open(
      requestHead({ ended: false }),
      new RecordingHandler(),
    );
    stream.write(Buffer.from('x'));
    await pair.settle();
    assert.equal(stream.pendingBytes, 0, 'the credit of the first one holds');
  });
});

describe('the window of a fast stream', () => {
  it('grows while nobody else asks for something, and not beside requests that come and go', async () => {
    assert.equal(await reservedAfterBulk(() => undefined), 512 * 1024);
    assert.equal(
      await reservedAfterBulk(async (pair) => {
        const { stream } = await request(pair);
        stream.sendHead({ ...OK, ended: true });
      }),
      256 * 1024,
    );
  });
});

/** What the reading end holds for windows after a window of bulk every 3 ms, on a link that takes no time. */
async function reservedAfterBulk(
  beside: (pair: SessionPair) => void | Promise<void>,
): Promise<number> {
  const pair = await SessionPair.serving();
  const { stream } = await request(pair);
  stream.sendHead(OK);
  for (let i = 0; i < 9; i++) {
    await beside(pair);
    stream.write(Buffer.alloc(256 * 1024));
    await pair.settle();
    pair.clock.advance(3);
  }
  return pair.acceptor.budget.reserved;
}

describe('the end of a session', () => {
  it('tells the peer its code and reason, once', async () => {
    const pair = await SessionPair.serving();
    pair.acceptor.session.close(new TunnelError('AGENT_REFUSED', 'expired'), true);
    pair.acceptor.session.close(new TunnelError('INTERNAL', 'again'));
    await pair.settle();
    const [{ error, final }] = pair.dialer.closed as [(typeof pair.dialer.closed)[0]];
    assert.deepEqual([error.code, final], ['AGENT_REFUSED', true]);
    assert.equal(error.message, 'closed by the peer: expired');
    assert.deepEqual(
      pair.ends.map(({ closed }) => closed.length),
      [1, 1],
    );
    assert.equal(pair.acceptor.closed[0]?.final, false, 'nobody told this end so');
  });

  it('tells the peer its reason even when the link is full', async () => {
    const pair = await SessionPair.serving({ limits: { initialWindowBytes: 1024 * 1024 } });
    const { caller, stream } = await request(pair);
    caller.isSlow = true;
    pair.link.stall('first', true);
    stream.sendHead(OK);
    for (let i = 0; i < 20; i++) stream.write(Buffer.alloc(64 * 1024));
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    pair.dialer.session.close(new TunnelError('DRAINING', 'the agent stops'));
    pair.link.stall('first', false);
    await pair.settle();
    assert.equal(pair.acceptor.closed[0]?.error.code, 'DRAINING');
  });

  it('does not cut responses that were complete before it, though the link was full', async () => {
    const pair = await SessionPair.serving({ limits: { initialWindowBytes: 1024 * 1024 } });
    const bulk = await request(pair);
    const small = await request(pair);
    pair.link.stall('first', true);
    bulk.stream.sendHead(OK);
    for (let i = 0; i < 20; i++) bulk.stream.write(Buffer.alloc(64 * 1024));
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    small.stream.sendHead({ ...OK, ended: true });
    assert.equal(small.stream.isClosed, true, 'a drain would not wait for it any more');
    pair.dialer.session.close(new TunnelError('DRAINING', 'stops'));
    pair.link.stall('first', false);
    await pair.settle();
    assert.deepEqual(small.caller.events, ['head 200']);
    assert.deepEqual(bulk.caller.events, ['head 200', 'data', 'reset AGENT_LOST']);
  });

  it('by silence is named with its length', async () => {
    const pair = await SessionPair.serving();
    pair.clock.advance(26_000);
    assert.equal(pair.acceptor.closed[0]?.error.code, 'HEARTBEAT_LOST');
    assert.match(
      pair.acceptor.closed[0].error.message,
      /^agent "test" has not been heard for 2[56] s$/,
    );
    assert.equal(pair.clock.timerCount, 0);
  });

  it('makes of an unknown code of a later version that the peer was lost', async () => {
    const pair = await SessionPair.serving();
    const later = { code: 'CODE_OF_LATER', message: 'x'.repeat(5000) } as unknown as TunnelError;
    pair.dialer.session.close(later);
    await pair.settle();
    assert.equal(pair.acceptor.closed[0]?.error.code, 'AGENT_LOST');
    assert.ok(pair.acceptor.closed[0].error.message.length < 2100, 'cut short');
  });

  it('makes further use of it an error, or nothing', async () => {
    const pair = await SessionPair.serving();
    const { session } = pair.acceptor;
    session.close(new TunnelError('DRAINING', 'x'));
    assert.throws(() => session.open(requestHead(), new RecordingHandler()), /session has ended/);
    session.send({ kind: 'services', services: [] });
    session.linkLost(new TunnelError('AGENT_LOST', 'late'));
    session.receive(Buffer.from('late'));
    await session.drain('late');
    assert.equal(pair.acceptor.closed.length, 1);
  });
});

describe('a drain', () => {
  it('resolves when nothing is open and the peer has heard of it', async () => {
    const pair = await SessionPair.serving();
    const drain = settled(pair.acceptor.session.drain('the controller stops'));
    assert.equal(drain.isDone(), false);
    await pair.settle();
    assert.equal(drain.isDone(), true);
    assert.equal(pair.dialer.session.isServing, false, 'the peer opens no more');
    assert.equal(pair.acceptor.session.isServing, true, 'we may, until we close');
    assert.equal(pair.dialer.changes, 1);
  });

  it('waits for streams that are open, and for those that were under way', async () => {
    const pair = await SessionPair.serving();
    const fromHere = await request(pair);
    const underWay = new RecordingHandler();
    pair.dialer.session.open(requestHead(), underWay);
    const drain = settled(pair.acceptor.session.drain('stops'));
    await pair.settle();
    assert.deepEqual(underWay.events, [], 'not refused');
    fromHere.stream.sendHead({ ...OK, ended: true });
    await pair.settle();
    assert.equal(drain.isDone(), false);
    pair.acceptor.accepted[0]?.sendHead({ ...OK, ended: true });
    await pair.settle();
    assert.equal(drain.isDone(), true);
    assert.deepEqual(underWay.events, ['head 200']);
  });

  it('refuses what a peer opens although it has heard of it', async () => {
    const pair = await SessionPair.serving();
    const drain = settled(pair.acceptor.session.drain('stops'));
    await pair.settle();
    const late = new RecordingHandler();
    pair.dialer.session.open(requestHead(), late);
    await pair.settle();
    assert.equal(late.errors[0]?.code, 'DRAINING');
    assert.equal(late.errors[0].retryAfterSeconds, 1);
    assert.equal(drain.isDone(), true);
  });

  it('asked for twice resolves for both', async () => {
    const pair = await SessionPair.serving();
    const drains = [1, 2].map(() => settled(pair.acceptor.session.drain('stops')));
    await pair.settle();
    drains.push(settled(pair.acceptor.session.drain('stops')));
    await pair.settle();
    assert.deepEqual(
      drains.map((drain) => drain.isDone()),
      [true, true, true],
    );
  });

  it('of both ends at once ends for both', async () => {
    const pair = await SessionPair.serving();
    const { stream } = await request(pair);
    const drains = pair.ends.map(({ session }) => settled(session.drain('stops')));
    await pair.settle();
    assert.deepEqual(
      drains.map((drain) => drain.isDone()),
      [false, false],
    );
    stream.sendHead({ ...OK, ended: true });
    await pair.settle();
    assert.deepEqual(
      drains.map((drain) => drain.isDone()),
      [true, true],
    );
  });

  it('ends with the session, if that ends first', async () => {
    const pair = await SessionPair.serving();
    await request(pair);
    const drain = settled(pair.acceptor.session.drain('stops'));
    pair.link.cut();
    await pair.settle();
    assert.equal(drain.isDone(), true);
  });

  it('of a session in its handshake closes it, so that the agent goes elsewhere at once', async () => {
    const pair = new SessionPair();
    const drain = settled(pair.acceptor.session.drain('the controller stops'));
    await pair.settle();
    assert.equal(drain.isDone(), true);
    assert.deepEqual(
      pair.dialer.closed.map(({ error, final }) => [error.code, final]),
      [['DRAINING', false]],
    );
  });
});

describe('a fault of our own while a frame is handled', () => {
  it('closes the session, but does not send the peer away for good', async () => {
    const pair = await SessionPair.serving();
    // a listener of the session, not of a stream
    Object.defineProperty(pair.acceptor, 'changes', {
      get: () => {
        throw new Error('a bug');
      },
    });
    pair.dialer.session.send({ kind: 'services', services: [] });
    await pair.settle();
    assert.deepEqual(
      pair.dialer.closed.map(({ error, final }) => [error.code, final]),
      [['INTERNAL', false]],
    );
    assert.equal(pair.dialer.closed[0]?.error.message, 'closed by the peer: internal fault');
  });
});

/** Whether a promise has resolved. */
function settled(promise: Promise<void>): { isDone(): boolean } {
  let isDone = false;
  promise.then(
    () => (isDone = true),
    () => assert.fail('never rejects'),
  );
  return { isDone: () => isDone };
}

/** A request of the accepting end that the dialling one has taken up. */
async function request(
  pair: SessionPair,
): Promise<{ caller: RecordingHandler; stream: TunnelStream }> {
  const caller = new RecordingHandler();
  caller.stream = pair.acceptor.session.open(requestHead(), caller);
  await pair.settle();
  const stream = pair.dialer.accepted.at(-1);
  assert.ok(stream !== undefined);
  stream.attach(new RecordingHandler());
  return { caller, stream };
}
