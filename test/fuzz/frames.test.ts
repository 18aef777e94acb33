/** Bytes from a peer: the decoder reads or refuses them, a session serves on or ends, and nothing is left. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { TunnelError } from '../../shared/errors.js';
import { decodeBatch } from '../../shared/protocol/frame-decoder.js';
import type { Frame } from '../../shared/protocol/frame.js';
import { FakeClock } from '../harness/fake-clock.js';
import { RecordingHandler } from '../shared/protocol/recording-handler.js';
import {
  SessionEnd,
  TEST_LIMITS,
  helloFrame,
  requestHead,
} from '../shared/protocol/session-pair.js';
import { V1_BATCHES } from '../wire/v1-batches.js';
import { readRecording } from '../wire/recording.js';
import { mutatedBytes } from './byte-mutations.js';
import { fuzz } from './fuzz.js';
import { encodeBatch } from '../harness/encoded-batch.js';

const CORPUS = join(import.meta.dirname, 'corpus', 'frames');
const corpus = readdirSync(CORPUS).map((name) => ({
  name,
  bytes: Buffer.from(readFileSync(join(CORPUS, name), 'utf8').replaceAll(/#.*|\s/g, ''), 'hex'),
}));
const recorded = Object.keys(V1_BATCHES).map((name) => readRecording('v1', name));
const originals = [...recorded, ...corpus.map(({ bytes }) => bytes)];
const messages = fc.oneof(
  { weight: 9, arbitrary: mutatedBytes(originals) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
);

describe('the decoder', () => {
  for (const { name, bytes } of corpus) {
    it(`reads or refuses ${name}`, () => readsOrRefuses(bytes));
  }

  it('reads or refuses any bytes; what it reads it would write alike', () => {
    assert.ok(corpus.length >= 5 && recorded.length >= 10);
    assert.ok(fuzz(messages, readsOrRefuses) > 5);
  });
});

describe('a session', () => {
  for (const { name, bytes } of corpus) {
    it(`serves on or ends after ${name}`, () => servesOnOrEnds([bytes]));
  }

  it('serves on or ends after any messages, and holds nothing when it has ended', () => {
    assert.ok(fuzz(fc.array(messages, { minLength: 1, maxLength: 6 }), servesOnOrEnds) > 5);
  });
});

function readsOrRefuses(message: Buffer): void {
  const frames: Frame[] = [];
  try {
    decodeBatch(message, (frame) => frames.push(frame));
  } catch (reason) {
    assert.ok(
      reason instanceof TunnelError && reason.code === 'PROTOCOL_VIOLATION',
      String(reason),
    );
  }
  const again: Frame[] = [];
  decodeBatch(encodeBatch(frames), (frame) => again.push(frame));
  assert.deepEqual(again, frames);
}

/** The accepting end, with a request of its own under way so that frames of both kinds meet streams. */
function servesOnOrEnds(received: readonly Buffer[]): void {
  const link = { send: (_message: Buffer, onSent: () => void) => onSent(), close: () => undefined };
  const end = new SessionEnd(link, false, TEST_LIMITS, new FakeClock());
  end.accept = (stream) => stream.attach(new RecordingHandler());
  end.session.receive(encodeBatch([helloFrame(1000)]));
  for (let i = 0; i < 3; i++) {
    end.session.open(requestHead({ ended: false }), new RecordingHandler()).write(Buffer.alloc(10));
  }
  for (const message of received) end.session.receive(message);
  const [closed] = end.closed;
  assert.equal(closed === undefined, end.session.state === 'serving');
  assert.notEqual(closed?.error.code, 'INTERNAL', closed?.error.stack ?? '');
  assert.deepEqual(end.faults, []);
  end.session.close(new TunnelError('DRAINING', 'end of test'));
  assert.equal(end.budget.reserved, 0);
  assert.equal(end.session.openStreams, 0);
}
