/** A peer that breaks the protocol loses its session, with a reason, and nobody else notices. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { decodeBatch } from '../../../shared/protocol/frame-decoder.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import type { Frame, OpenFrame } from '../../../shared/protocol/frame.js';
import type { SessionLimits, SessionLink } from '../../../shared/protocol/tunnel-session.js';
import type { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';
import { FakeClock } from '../../harness/fake-clock.js';
import { RecordingHandler } from './recording-handler.js';
import { SessionEnd, TEST_LIMITS, helloFrame, requestHead, welcomeFrame } from './session-pair.js';
import { bytesOf, encodeBatch } from '../../harness/encoded-batch.js';
import type { OutgoingMessage } from '../../../shared/protocol/batch.js';

const KIB = 1024;

describe('a session is closed as a violation of the protocol', () => {
  const cases: Record<string, { attack(victim: Victim): void; says: RegExp; handshake?: false }> = {
    'by bytes that are no batch': {
      attack: (victim) => victim.receive(Buffer.from('not protobuf at all')),
      says: /^undecodable frame: /,
    },
    'by a batch over the limit': {
      attack: (victim) => victim.receive(Buffer.alloc(PROTOCOL_LIMITS.maxBatchBytes + 1)),
      says: /batch is over the limit/,
    },
    'by data without credit': {
      attack: (victim) => {
        victim.frames(open(1));
        for (let i = 0; i < 5; i++) victim.frames(data(1, 64 * KIB));
      },
      says: /data sent without credit/,
    },
    'by data for a request that was complete': {
      attack: (victim) => victim.frames(open(1, { ended: true }), data(1, 1)),
      says: /data on a stream in state ended/,
    },
    'by data of no bytes, which no credit would bound': {
      attack: (victim) => victim.frames(open(1), data(1, 0)),
      says: /data of no bytes/,
    },
    'by a second end': {
      attack: (victim) => victim.frames(open(1), end(1), end(1)),
      says: /end on a stream in state ended/,
    },
    'by a head for a stream of its own': {
      attack: (victim) => victim.frames(open(1), head(1)),
      says: /head on a stream in state body/,
    },
    'by a body before its head': {
      attack: (victim) => victim.frames(data(victim.request().id, 1)),
      says: /data on a stream in state head/,
    },
    'by a second final head': {
      attack: (victim) => {
        const { id } = victim.request();
        victim.frames(head(id), head(id));
      },
      says: /head on a stream in state body/,
    },
    'by an end before the head': {
      attack: (victim) => victim.frames(end(victim.request().id)),
      says: /end on a stream in state head/,
    },
    'by a stop before the response is complete': {
      attack: (victim) => {
        const { id } = victim.request();
        victim.frames(head(id), { ...reset(id), code: '' });
      },
      says: /ended without its response/,
    },
    'by a stream of the wrong parity': {
      attack: (victim) => victim.frames(open(2)),
      says: /stream 2 opened out of order/,
    },
    'by a stream opened twice': {
      attack: (victim) => victim.frames(open(3), open(3)),
      says: /stream 3 opened out of order/,
    },
    'by streams opened downwards': {
      attack: (victim) => victim.frames(open(3), open(1)),
      says: /stream 1 opened out of order/,
    },
    'by a frame for a stream of ours that was never opened': {
      attack: (victim) => victim.frames(head(2)),
      says: /head for unknown stream 2/,
    },
    'by a frame for a stream of its own that was never opened': {
      attack: (victim) => victim.frames(open(1), data(3, 1)),
      says: /data for unknown stream 3/,
    },
    'by a reset for a stream that was never opened': {
      attack: (victim) => victim.frames(reset(77)),
      says: /reset for unknown stream 77/,
    },
    'by credit for a stream that was never opened': {
      attack: (victim) => victim.frames(credit(77, 1)),
      says: /credit for unknown stream 77/,
    },
    'by credit over the largest window': {
      attack: (victim) => victim.frames(credit(victim.request().id, 0xffffffff)),
      says: /credit over the largest window/,
    },
    'by credit over the largest window in small steps': {
      attack: (victim) => {
        const { id } = victim.request();
        for (let i = 0; i < 300; i++) victim.frames(credit(id, 64 * KIB));
      },
      says: /credit over the largest window/,
    },
    'by a second hello': {
      attack: (victim) => victim.frames(helloFrame(1)),
      says: /hello after the handshake/,
    },
    'by a welcome from the dialling end': {
      attack: (victim) => victim.frames(welcomeFrame(1)),
      says: /welcome after the handshake/,
    },
    'by a proof after the handshake': {
      attack: (victim) =>
        victim.frames({ kind: 'proof', certificate: Buffer.of(), signature: Buffer.of() }),
      says: /proof after the handshake/,
    },
    'by a stream before the handshake': {
      attack: (victim) => victim.frames(open(1)),
      says: /stream opened before the handshake was done/,
      handshake: false,
    },
    'by services before the handshake': {
      attack: (victim) => victim.frames({ kind: 'services', services: [] }),
      says: /services before the handshake was done/,
      handshake: false,
    },
    'by drain before the handshake': {
      attack: (victim) => victim.frames({ kind: 'drain', reason: '' }),
      says: /drain before the handshake was done/,
      handshake: false,
    },
    'by pings without end': {
      attack: (victim) => {
        for (let id = 0; id < 2000; id++) victim.frames({ kind: 'ping', id });
      },
      says: /session frames without end/,
    },
    'by services without end': {
      attack: (victim) => {
        for (let i = 0; i < 2000; i++) victim.frames({ kind: 'services', services: [] });
      },
      says: /session frames without end/,
    },
    'by answers without end to pings that were never sent': {
      attack: (victim) => {
        for (let id = 5000; id < 7000; id++) victim.frames({ kind: 'pong', id });
      },
      says: /session frames without end/,
    },
    'by pings without end between such answers': {
      attack: (victim) => {
        for (let id = 5000; id < 7000; id++) {
          victim.frames({ kind: 'pong', id }, { kind: 'ping', id });
        }
      },
      says: /session frames without end/,
    },
    'by frames without end for streams that are over': {
      attack: (victim) => {
        victim.frames(open(1), reset(1));
        const batch = Array.from({ length: 1000 }, () => credit(1, 1));
        for (let i = 0; i <= 100; i++) victim.frames(...batch);
      },
      says: /frames without end for closed streams/,
    },
  };
  for (const [how, { attack, says, handshake = true }] of Object.entries(cases)) {
    it(how, () => {
      const victim = new Victim();
      if (handshake) victim.frames(helloFrame(256 * KIB));
      const bystander = victim.other();
      attack(victim);
      const [closed, ...more] = victim.end.closed;
      assert.equal(closed?.error.code, 'PROTOCOL_VIOLATION');
      assert.match(closed.error.message, says);
      assert.equal(more.length, 0, 'once');
      const last = victim.link.sent.at(-1);
      assert.ok(last?.kind === 'close' && last.code === 'PROTOCOL_VIOLATION' && last.final);
      assert.match(last.message, says, 'the peer is told why');
      assert.equal(victim.link.isClosed, true);
      victim.assertNothingHeld();
      assert.equal(bystander.end.session.state, 'serving');
      assert.deepEqual(bystander.end.closed, []);
    });
  }

  it('and nothing that follows in the same batch is looked at', () => {
    const victim = new Victim();
    victim.frames(helloFrame(1), open(2), open(3));
    assert.equal(victim.end.accepted.length, 0);
  });

  it('and its open requests end as lost', () => {
    const victim = new Victim();
    victim.frames(helloFrame(256 * KIB));
    const handler = new RecordingHandler();
    victim.end.session.open(requestHead(), handler);
    victim.frames(open(2));
    assert.deepEqual(handler.events, ['reset AGENT_LOST']);
  });
});

describe('a peer that asks for too much', () => {
  it('is refused further streams, with a time to try again', async () => {
    const victim = new Victim({ maxStreamsPerSession: 3 });
    victim.frames(helloFrame(256 * KIB));
    for (const id of [1, 3, 5, 7]) victim.frames(open(id));
    assert.equal(victim.end.session.openStreams, 3);
    assert.deepEqual(await victim.resets(), [[7, 'TOO_MANY_STREAMS', 1]]);
    assert.equal(victim.end.session.state, 'serving');
    victim.frames(data(7, 10), end(7), credit(7, 10));
    assert.equal(victim.end.session.state, 'serving', 'what was under way is no fault');
  });

  it('is refused streams with a body when the buffers are spent; without one they still open', async () => {
    const victim = new Victim({ sessionBufferBudgetBytes: 512 * KIB });
    victim.frames(helloFrame(256 * KIB));
    for (const id of [1, 3, 5]) victim.frames(open(id));
    victim.frames(open(7, { ended: true }));
    assert.deepEqual(await victim.resets(), [[5, 'BUFFERS_SPENT', 1]]);
    assert.equal(victim.end.session.openStreams, 3);
  });

  it('is given up when it opens streams for ever and never reads an answer', () => {
    const victim = new Victim();
    const refusal = new TunnelError('SERVICE_NOT_OFFERED', 'x'.repeat(2000));
    victim.end.accept = (stream) => stream.reset(refusal);
    victim.link.isStalled = true;
    victim.frames(helloFrame(256 * KIB));
    let id = 1;
    while (victim.end.closed.length === 0 && id < 100_000) {
      const batch: Frame[] = [];
      for (let i = 0; i < 1000; i++, id += 2) batch.push(open(id));
      victim.frames(...batch);
    }
    assert.match(victim.end.closed[0]?.error.message ?? '', /without reading the answers/);
    victim.assertNothingHeld();
  });

  it('gets no credit for more than its window, whatever it announces', () => {
    const victim = new Victim();
    victim.frames(helloFrame(0xffffffff));
    const stream = victim.request({ ended: false });
    stream.write(Buffer.alloc(100));
    victim.frames(credit(stream.id, 1));
    assert.equal(victim.end.closed[0]?.error.code, 'PROTOCOL_VIOLATION');
  });
});

/** The accepting end of a session, and whoever dials it. */
class Victim {
  readonly link = new TalkingLink();
  readonly end: SessionEnd;

  constructor(limits: Partial<SessionLimits> = {}) {
    this.end = new SessionEnd(this.link, false, { ...TEST_LIMITS, ...limits }, new FakeClock());
    this.end.accept = (stream) => {
      const handler = new RecordingHandler();
      handler.isSlow = true;
      stream.attach(handler);
    };
  }

  receive(message: Buffer): void {
    this.end.session.receive(message);
  }

  frames(...frames: readonly Frame[]): void {
    this.receive(encodeBatch(frames));
  }

  /** A request of ours to the peer. */
  request(head: { ended?: boolean } = {}): TunnelStream {
    return this.end.session.open(requestHead(head), new RecordingHandler());
  }

  /** Another session of the same process, serving. */
  other(): Victim {
    const other = new Victim();
    other.frames(helloFrame(256 * KIB));
    return other;
  }

  /** The streams that were reset so far: number, code and seconds until another try. */
  async resets(): Promise<[number, string, number][]> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.link.sent.flatMap((frame) =>
      frame.kind === 'reset' ? [[frame.stream, frame.code, frame.retryAfterSeconds]] : [],
    );
  }

  assertNothingHeld(): void {
    assert.equal(this.end.session.openStreams, 0);
    assert.equal(this.end.budget.reserved, 0);
  }
}

/** Takes what is sent, and reads it. */
class TalkingLink implements SessionLink {
  readonly sent: Frame[] = [];
  isClosed = false;
  isStalled = false;

  send(message: OutgoingMessage, onSent: () => void): void {
    decodeBatch(bytesOf(message), (frame) => this.sent.push(frame));
    if (!this.isStalled) onSent();
  }

  close(): void {
    this.isClosed = true;
  }
}

function open(stream: number, head: { ended?: boolean } = {}): OpenFrame {
  return { ...requestHead({ ended: false, ...head }), kind: 'open', stream, window: 1000 };
}

function data(stream: number, bytes: number): Frame {
  return { kind: 'data', stream, bytes: Buffer.alloc(bytes) };
}

function head(stream: number): Frame {
  return { kind: 'head', stream, status: 200, reason: '', headers: [], ended: false };
}

function end(stream: number): Frame {
  return { kind: 'end', stream, trailers: [] };
}

function reset(stream: number): Frame & { kind: 'reset' } {
  return { kind: 'reset', stream, code: 'CALLER_LEFT', message: '', retryAfterSeconds: 0 };
}

function credit(stream: number, bytes: number): Frame {
  return { kind: 'credit', stream, bytes };
}
