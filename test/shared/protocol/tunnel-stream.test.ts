/** One exchange between two sessions: its order, its endings, its credit, and what a fault of one end costs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import type { RequestHead, ResponseHead } from '../../../shared/protocol/frame.js';
import type { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';
import { RecordingHandler } from './recording-handler.js';
import { SessionPair, requestHead, type SessionPairOptions } from './session-pair.js';

const OK: ResponseHead = { status: 200, reason: '', headers: [], ended: false };

describe('an exchange', () => {
  it('carries head, body and trailers both ways, unchanged', async () => {
    const { pair, caller, callerStream, service, serviceStream, head } = await exchange({
      method: 'PUT',
      target: '//x%2F?a=\u00ff',
      headers: ['X-A', '1', 'x-a', '2'],
      ended: false,
    });
    callerStream.write(Buffer.from('request'));
    callerStream.end(['T', 'v']);
    serviceStream.sendHead({ ...OK, status: 103, headers: ['Link', '<x>'] });
    serviceStream.sendHead({ ...OK, reason: 'Fine', headers: ['Set-Cookie', 'a'] });
    serviceStream.write(Buffer.from('response'));
    serviceStream.end(['U', 'w']);
    await pair.settle();
    assert.deepEqual([head.method, head.target], ['PUT', '//x%2F?a=\u00ff']);
    assert.deepEqual(head.headers, ['X-A', '1', 'x-a', '2']);
    assert.deepEqual([service.text, service.trailers], ['request', ['T', 'v']]);
    assert.deepEqual(caller.events, ['head 103', 'head 200', 'data', 'end']);
    assert.deepEqual([caller.text, caller.trailers], ['response', ['U', 'w']]);
    assert.equal(caller.heads[1]?.reason, 'Fine');
    assertQuiet(pair);
  });

  it('is over at both ends with a head that has no body', async () => {
    const { pair, caller, serviceStream } = await exchange();
    serviceStream.sendHead({ ...OK, status: 204, ended: true });
    await pair.settle();
    assert.deepEqual(caller.events, ['head 204']);
    assertQuiet(pair);
  });

  it('gives a handler that comes late all that has arrived', async () => {
    const pair = await SessionPair.serving();
    const stream = pair.acceptor.session.open(
      requestHead({ ended: false }),
      new RecordingHandler(),
    );
    stream.write(Buffer.from('body'));
    stream.end();
    await pair.settle();
    const [late] = pair.dialer.accepted;
    const handler = new RecordingHandler();
    handler.stream = late;
    late?.attach(handler);
    assert.deepEqual(handler.events, ['data', 'end']);
    late?.sendHead({ ...OK, ended: true });
    await pair.settle();
    assertQuiet(pair);
  });

  it('is all that a listener costs who waits for its first bytes and throws', async () => {
    const pair = await SessionPair.serving();
    const caller = new RecordingHandler();
    const stream = pair.acceptor.session.open(requestHead({ ended: false }), caller);
    await pair.settle();
    const [waiting] = pair.dialer.accepted;
    waiting?.whenArriving(() => {
      throw new TunnelError('INTERNAL', 'no such target');
    });
    stream.write(Buffer.from('body'));
    await pair.settle();
    assert.deepEqual(caller.events, ['reset INTERNAL']);
    assert.ok(pair.dialer.session.isServing && pair.acceptor.session.isServing);
  });

  it('tells a late handler nothing when it resets its stream on the way', async () => {
    const pair = await SessionPair.serving();
    const stream = pair.acceptor.session.open(
      requestHead({ ended: false }),
      new RecordingHandler(),
    );
    stream.write(Buffer.from('body'));
    stream.end();
    await pair.settle();
    const [late] = pair.dialer.accepted;
    const handler = new RecordingHandler();
    handler.onData = () => late?.reset(new TunnelError('TARGET_BROKE_OFF', 'x'));
    late?.attach(handler);
    await pair.settle();
    assert.deepEqual(handler.events, []);
    assertQuiet(pair);
  });

  it('goes to its own stream even if the head given is a frame of another', async () => {
    const { pair, caller, serviceStream } = await exchange();
    const foreign = { ...OK, ended: true, kind: 'head', stream: 999, window: 5 } as const;
    serviceStream.sendHead(foreign);
    const open = { ...requestHead(), kind: 'open', stream: 999, window: 7 } as const;
    const second = pair.acceptor.session.open(open, new RecordingHandler());
    await pair.settle();
    assert.deepEqual(caller.events, ['head 200']);
    assert.equal(pair.dialer.accepted[1]?.id, second.id);
  });
});

describe('backpressure of a stream', () => {
  it('stops a writer at the credit of its reader, and goes on when that reads', async () => {
    const { pair, caller, serviceStream, service } = await exchange({}, smallWindows());
    caller.isSlow = true;
    serviceStream.sendHead(OK);
    assert.equal(serviceStream.write(Buffer.alloc(200 * 1024)), false);
    serviceStream.end();
    await pair.settle();
    assert.equal(caller.body.length, 16 * 1024, 'the window and not a byte more');
    assert.ok(!service.events.includes('writable'));
    for (let i = 0; i < 50; i++) {
      caller.read();
      await pair.settle();
    }
    assert.equal(caller.body.length, 200 * 1024);
    assert.ok(service.events.includes('writable'));
    assert.deepEqual(caller.events, ['head 200', 'data', 'end']);
    assertQuiet(pair);
  });

  it('keeps a source paused until it says that there is room, whatever the source still writes', async () => {
    const { pair, caller, serviceStream, service } = await exchange({}, smallWindows());
    caller.isSlow = true;
    serviceStream.sendHead(OK);
    assert.equal(serviceStream.write(Buffer.alloc(130 * 1024)), false);
    await pair.settle();
    // room has come, though not enough to resume; the source had one more piece at hand
    assert.equal(serviceStream.write(Buffer.alloc(1)), false, 'or nobody would ever resume it');
    for (let i = 0; i < 50; i++) {
      caller.read();
      await pair.settle();
    }
    assert.deepEqual(service.events, ['writable']);
  });
});

describe('a stream whose reader has stalled', () => {
  it('does not hold up another one, in either direction', async () => {
    const { pair, caller, callerStream, serviceStream, service } = await exchange(
      { ended: false },
      smallWindows(),
    );
    caller.isSlow = true;
    service.isSlow = true;
    serviceStream.sendHead(OK);
    for (let i = 0; i < 40; i++) {
      serviceStream.write(Buffer.alloc(64 * 1024));
      callerStream.write(Buffer.alloc(64 * 1024));
    }
    await pair.settle();
    const other = await anotherExchange(pair, { ended: false });
    other.callerStream.write(Buffer.alloc(200_000, 'a'));
    other.callerStream.end();
    other.serviceStream.sendHead(OK);
    other.serviceStream.write(Buffer.alloc(200_000, 'b'));
    other.serviceStream.end();
    await pair.settle();
    assert.equal(other.service.body.length, 200_000);
    assert.equal(other.caller.events.at(-1), 'end');
    assert.equal(other.caller.body.length, 200_000);
    assert.equal(caller.body.length, 16 * 1024, 'the stalled one waits');
    callerStream.reset(new TunnelError('CALLER_LEFT', 'x'));
    await pair.settle();
    assertQuiet(pair);
  });
});

describe('the end of an exchange', () => {
  it('by reset reaches the other end with its code, text and time to try again', async () => {
    const { pair, caller, serviceStream, service } = await exchange();
    serviceStream.sendHead(OK);
    serviceStream.write(Buffer.from('half'));
    serviceStream.reset(new TunnelError('TARGET_BROKE_OFF', 'gone', { retryAfterSeconds: 3 }));
    serviceStream.write(Buffer.from('ignored'));
    serviceStream.end();
    await pair.settle();
    const [error] = caller.errors;
    assert.equal(error?.code, 'TARGET_BROKE_OFF');
    assert.deepEqual([error.message, error.retryAfterSeconds], ['gone', 3]);
    assert.deepEqual(service.events, [], 'the own handler is not told');
    assertQuiet(pair);
  });

  it('makes of a code that this version does not know that the agent was lost', async () => {
    const { pair, caller, serviceStream } = await exchange();
    serviceStream.reset({ code: 'CODE_OF_LATER', message: 'm' } as unknown as TunnelError);
    await pair.settle();
    assert.equal(caller.errors[0]?.code, 'AGENT_LOST');
  });

  it('cuts an endless error text short', async () => {
    const { pair, caller, serviceStream } = await exchange();
    serviceStream.reset(new TunnelError('TARGET_BROKE_OFF', 'x'.repeat(100_000)));
    await pair.settle();
    assert.equal(caller.errors[0]?.message.length, 2000);
  });

  it('by the session tells the handlers of both ends that the other was lost', async () => {
    const { pair, caller, service } = await exchange({ ended: false });
    pair.link.cut();
    assert.equal(caller.errors[0]?.code, 'AGENT_LOST');
    assert.match(caller.errors[0].message, /^agent "test" was lost: connection broken$/);
    assert.match(service.errors[0]?.message ?? '', /^the controller was lost/);
    assertQuiet(pair);
  });

  it('comes once, however often and however it is ended', async () => {
    const { pair, caller, serviceStream, callerStream } = await exchange({ ended: false });
    serviceStream.sendHead({ ...OK, ended: true });
    serviceStream.stop();
    serviceStream.stop();
    serviceStream.reset(new TunnelError('INTERNAL', 'late'));
    await pair.settle();
    callerStream.reset(new TunnelError('CALLER_LEFT', 'late'));
    callerStream.end();
    callerStream.stop();
    pair.acceptor.session.close(new TunnelError('DRAINING', 'late'));
    await pair.settle();
    assert.deepEqual(caller.events, ['head 200', 'reset']);
    assertQuiet(pair);
  });
});

describe('a response that is complete before its request', () => {
  it('arrives whole although the rest of the request is not wanted', async () => {
    const { pair, caller, callerStream, serviceStream, service } = await exchange(
      { ended: false },
      smallWindows(),
    );
    callerStream.write(Buffer.alloc(1000));
    await pair.settle();
    caller.isSlow = true;
    serviceStream.sendHead({ ...OK, status: 413 });
    serviceStream.write(Buffer.alloc(40_000, 'b'));
    serviceStream.end();
    serviceStream.stop(); // nothing has left yet, and most has no credit
    for (let i = 0; i < 20; i++) {
      await pair.settle();
      caller.read();
    }
    assert.equal(caller.body.length, 40_000);
    assert.deepEqual(caller.events, ['head 413', 'data', 'end', 'reset']);
    assert.deepEqual(caller.errors, [undefined], 'no fault');
    assert.equal(service.errors.length, 0);
    assertQuiet(pair);
  });

  it('ends as usual when the request is completed before the last bytes have left', async () => {
    const { pair, caller, callerStream, serviceStream } = await exchange(
      { ended: false },
      smallWindows(),
    );
    caller.isSlow = true;
    serviceStream.sendHead(OK);
    serviceStream.write(Buffer.alloc(40_000));
    serviceStream.end();
    serviceStream.stop();
    callerStream.end();
    for (let i = 0; i < 20; i++) {
      await pair.settle();
      caller.read();
    }
    assert.deepEqual(caller.events, ['head 200', 'data', 'end']);
    assertQuiet(pair);
  });

  it('is taken by the opener, which then stops its request without a fault', async () => {
    const { pair, callerStream, serviceStream, service } = await exchange({ ended: false });
    serviceStream.sendHead({ ...OK, ended: true });
    await pair.settle();
    callerStream.stop();
    await pair.settle();
    assert.deepEqual(service.errors, [undefined]);
    assertQuiet(pair);
  });

  it('cannot be claimed before it was given', async () => {
    const { pair, caller, serviceStream } = await exchange({ ended: false });
    serviceStream.sendHead(OK);
    serviceStream.stop();
    await pair.settle();
    assert.equal(caller.errors[0]?.code, 'INTERNAL', 'a cut body never looks whole');
  });
});

describe('memory that a stream holds', () => {
  it('is given back when a request that arrived in full is never read', async () => {
    for (const end of ['service resets', 'caller resets'] as const) {
      const { pair, callerStream, serviceStream, service } = await exchange({ ended: false });
      service.isSlow = true;
      callerStream.write(Buffer.alloc(50_000));
      callerStream.end();
      await pair.settle();
      if (end === 'caller resets') callerStream.reset(new TunnelError('CALLER_LEFT', 'x'));
      else serviceStream.reset(new TunnelError('TARGET_UNREACHABLE', 'refused'));
      await pair.settle();
      assertQuiet(pair, end);
      service.read();
      assertQuiet(pair, 'a late report changes nothing');
    }
  });

  it('is given back when nobody ever took the request up', async () => {
    const pair = await SessionPair.serving();
    const stream = pair.acceptor.session.open(
      requestHead({ ended: false }),
      new RecordingHandler(),
    );
    stream.write(Buffer.alloc(50_000));
    stream.end();
    await pair.settle();
    stream.reset(new TunnelError('CALLER_LEFT', 'while the agent fetched a credential'));
    await pair.settle();
    assertQuiet(pair);
  });

  it('is given back when the reader is gone before the stream is over', async () => {
    const { pair, callerStream, serviceStream, service } = await exchange({ ended: false });
    service.isSlow = true;
    callerStream.write(Buffer.alloc(50_000));
    callerStream.end();
    await pair.settle();
    serviceStream.discard();
    serviceStream.sendHead({ ...OK, ended: true });
    await pair.settle();
    assertQuiet(pair);
  });

  it('stays counted while a complete response is still being read', async () => {
    const { pair, caller, serviceStream } = await exchange();
    caller.isSlow = true;
    serviceStream.sendHead(OK);
    serviceStream.write(Buffer.alloc(50_000));
    serviceStream.end();
    await pair.settle();
    assert.equal(pair.acceptor.session.openStreams, 0);
    assert.equal(pair.acceptor.budget.reserved, 50_000);
    caller.read();
    assertQuiet(pair);
  });
});

describe('a handler that throws', () => {
  for (const moment of ['onHead', 'onData', 'onEnd', 'onWritable'] as const) {
    it(`in ${moment} loses its stream, and no other`, async () => {
      const { pair, caller, callerStream, serviceStream, service } = await exchange(
        { ended: false },
        smallWindows(),
      );
      const other = await anotherExchange(pair);
      const handler = moment === 'onWritable' ? service : caller;
      handler[moment] = () => {
        throw new Error('a bug');
      };
      callerStream.end();
      serviceStream.sendHead(OK);
      serviceStream.write(Buffer.alloc(140_000));
      serviceStream.end();
      for (let i = 0; i < 20; i++) await pair.settle();
      assert.deepEqual(
        caller.errors.map((error) => error?.code),
        ['INTERNAL'],
      );
      assert.equal(pair.acceptor.faults.length + pair.dialer.faults.length, 1);
      other.serviceStream.sendHead({ ...OK, ended: true });
      await pair.settle();
      assert.deepEqual(other.caller.events, ['head 200']);
      assert.deepEqual(
        [pair.dialer.session.state, pair.acceptor.session.state],
        ['serving', 'serving'],
      );
      assertQuiet(pair);
    });
  }

  it('while streams are told that the session is lost does not keep it from the others', async () => {
    const { pair, caller } = await exchange();
    const other = await anotherExchange(pair);
    caller.onReset = () => {
      throw new Error('a bug');
    };
    pair.link.cut();
    assert.equal(other.caller.errors[0]?.code, 'AGENT_LOST');
    assert.equal(pair.acceptor.faults.length, 1);
    assertQuiet(pair);
  });

  it('while it takes a stream up loses that stream only', async () => {
    const pair = await SessionPair.serving();
    pair.dialer.accept = () => {
      throw new TunnelError('REQUEST_INVALID', 'refused here');
    };
    const caller = new RecordingHandler();
    pair.acceptor.session.open(requestHead(), caller);
    await pair.settle();
    assert.equal(caller.errors[0]?.code, 'REQUEST_INVALID');
    assert.equal(pair.dialer.faults.length, 1);
    assertQuiet(pair);
  });
});

describe('a head or trailers over the limits', () => {
  const many = Array<string>(2050).fill('x');
  it('of a response fail the exchange and not the session, and tell who forwards', async () => {
    const { pair, caller, serviceStream, service } = await exchange();
    serviceStream.sendHead({ ...OK, headers: many });
    await pair.settle();
    assert.equal(caller.errors[0]?.code, 'TARGET_BROKE_OFF');
    assert.equal(service.errors[0]?.code, 'TARGET_BROKE_OFF', 'the target is not read for nobody');
    assertQuiet(pair);
  });

  it('of a response trailer fail the exchange and not the session', async () => {
    const { pair, caller, serviceStream } = await exchange();
    serviceStream.sendHead(OK);
    serviceStream.end(many);
    await pair.settle();
    assert.deepEqual(caller.events, ['head 200', 'reset TARGET_BROKE_OFF']);
    assertQuiet(pair);
  });

  it('of a request trailer fail the exchange and not the session', async () => {
    const { pair, caller, callerStream, service } = await exchange({ ended: false });
    callerStream.end(many);
    await pair.settle();
    assert.equal(caller.errors[0]?.code, 'HEADERS_TOO_LARGE');
    assert.equal(service.errors[0]?.code, 'HEADERS_TOO_LARGE');
    assertQuiet(pair);
  });

  it('of a request are refused where it is made', async () => {
    const pair = await SessionPair.serving();
    for (const head of [{ headers: many }, { target: '/'.repeat(600_000) }]) {
      assert.throws(
        () => pair.acceptor.session.open(requestHead(head), new RecordingHandler()),
        (reason) => reason instanceof TunnelError && reason.code === 'HEADERS_TOO_LARGE',
      );
    }
    assertQuiet(pair);
  });
});

describe('a wrong step of our own', () => {
  it('is a fault of Fairlead and not a violation by the peer', async () => {
    const { serviceStream } = await exchange();
    const isInternal = (reason: unknown) =>
      reason instanceof TunnelError && reason.code === 'INTERNAL';
    assert.throws(() => serviceStream.write(Buffer.from('before the head')), isInternal);
    assert.throws(() => serviceStream.end(), isInternal);
    serviceStream.sendHead(OK);
    assert.throws(() => serviceStream.sendHead(OK), isInternal);
  });
});

function smallWindows(): SessionPairOptions {
  return { limits: { initialWindowBytes: 16 * 1024, maxWindowBytes: 16 * 1024 } };
}

/** A request of the controller to its agent, taken up there. */
async function exchange(head: Partial<RequestHead> = {}, options: SessionPairOptions = {}) {
  return anotherExchange(await SessionPair.serving(options), head);
}

async function anotherExchange(pair: SessionPair, given: Partial<RequestHead> = {}) {
  const service = new RecordingHandler();
  let taken: { stream: TunnelStream; head: RequestHead } | undefined;
  pair.dialer.accept = (stream, head) => {
    taken = { stream, head };
    service.stream = stream;
    stream.attach(service);
  };
  const caller = new RecordingHandler();
  const callerStream = pair.acceptor.session.open(requestHead(given), caller);
  caller.stream = callerStream;
  await pair.settle();
  assert.ok(taken !== undefined);
  const { stream: serviceStream, head } = taken;
  return { pair, caller, callerStream, service, serviceStream, head };
}

function assertQuiet(pair: SessionPair, message?: string): void {
  for (const { session, budget } of pair.ends) {
    assert.equal(session.openStreams, 0, message);
    assert.equal(budget.reserved, 0, message);
    assert.equal(session.queuedBytes, 0, message);
  }
}
