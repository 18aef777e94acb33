/** What the decoder refuses, what it passes over, and that a hostile message costs no more than its size. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { TunnelError } from '../../../shared/errors.js';
import { decodeBatch } from '../../../shared/protocol/frame-decoder.js';
import { FRAME_FIELDS } from '../../../shared/protocol/frame-encoder.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import type { Frame } from '../../../shared/protocol/frame.js';
import { anyBatch } from './arbitrary-frames.js';
import { batch, delimited, fixed, number, varint } from './wire-bytes.js';
import { encodeBatch } from '../../harness/encoded-batch.js';

const STREAM = number(FRAME_FIELDS.stream, 1);

describe('the decoder refuses', () => {
  const cases: Record<string, Buffer> = {
    'a batch over the limit': Buffer.alloc(PROTOCOL_LIMITS.maxBatchBytes + 1, 0x0a),
    'a field of a batch that is no frame': delimited(2, 'x'),
    'a batch that is a varint': number(1, 5),
    'an empty frame': batch(),
    'a frame with a stream and nothing else': batch(STREAM),
    'a frame with two kinds': batch(number(FRAME_FIELDS.ping, 1), number(FRAME_FIELDS.pong, 1)),
    'an unknown kind of a session': batch(delimited(17, 'x')),
    'an unknown kind of a stream': batch(STREAM, delimited(17, 'x')),
    'a stream frame without a stream': batch(delimited(FRAME_FIELDS.data, 'x')),
    'a session frame with a stream': batch(STREAM, number(FRAME_FIELDS.ping, 1)),
    'a stream number over 53 bits': batch(number(1, 2n ** 53n), delimited(FRAME_FIELDS.data, 'x')),
    'a stream number given twice': batch(STREAM, STREAM, delimited(FRAME_FIELDS.data, 'x')),
    'a kind of the wrong wire type': batch(delimited(FRAME_FIELDS.ping, 'x')),
    'data of the wrong wire type': batch(STREAM, number(FRAME_FIELDS.data, 5)),
    'credit over 32 bits': batch(STREAM, number(FRAME_FIELDS.credit, 2 ** 32)),
    'a ping of ten bytes': batch(number(FRAME_FIELDS.ping, 2n ** 64n - 1n)),
    'a varint without an end': batch(varint(FRAME_FIELDS.ping << 3), Buffer.alloc(12, 0xff)),
    'a length over the batch': Buffer.concat([varint(10), varint(0xffffffff), Buffer.alloc(3)]),
    'a length of 2^53': Buffer.concat([varint(10), varint(2n ** 53n), Buffer.alloc(3)]),
    'a length over its message': batch(
      delimited(FRAME_FIELDS.drain, Buffer.concat([varint(10), varint(100), Buffer.alloc(3)])),
      Buffer.alloc(200),
    ),
    'data over the limit': batch(
      STREAM,
      delimited(FRAME_FIELDS.data, Buffer.alloc(PROTOCOL_LIMITS.maxDataBytes + 1)),
    ),
    'a name without a value': batch(STREAM, delimited(FRAME_FIELDS.end, delimited(1, 'name'))),
    'more header fields than allowed': batch(
      STREAM,
      delimited(
        FRAME_FIELDS.open,
        ...Array.from({ length: PROTOCOL_LIMITS.maxHeaderCount * 2 + 2 }, () => delimited(5)),
      ),
    ),
    'more trailers than allowed': batch(
      STREAM,
      delimited(
        FRAME_FIELDS.end,
        ...Array.from({ length: PROTOCOL_LIMITS.maxHeaderCount * 2 + 2 }, () => delimited(1)),
      ),
    ),
    'a status below 100': batch(STREAM, delimited(FRAME_FIELDS.head, number(1, 99))),
    'a status over 999': batch(STREAM, delimited(FRAME_FIELDS.head, number(1, 1000))),
    'a head without a status': batch(STREAM, delimited(FRAME_FIELDS.head)),
    'a group': batch(delimited(FRAME_FIELDS.drain, varint((9 << 3) | 3))),
    'the end of a group': batch(delimited(FRAME_FIELDS.drain, varint((9 << 3) | 4))),
    'wire type 6': batch(delimited(FRAME_FIELDS.drain, varint((9 << 3) | 6))),
    'wire type 7': batch(delimited(FRAME_FIELDS.drain, varint((9 << 3) | 7))),
    'field number 0': batch(delimited(FRAME_FIELDS.drain, number(0, 1))),
    'a fixed field that is cut short': batch(delimited(FRAME_FIELDS.drain, varint((9 << 3) | 1))),
    'services without number': batch(
      delimited(FRAME_FIELDS.services, Buffer.alloc(400_000, delimited(1))),
    ),
    'a hello with services without number': batch(
      delimited(FRAME_FIELDS.hello, Buffer.alloc(400_000, delimited(8))),
    ),
    'annotations without number': batch(
      delimited(FRAME_FIELDS.hello, ...Array.from({ length: 50_000 }, (_, i) => entry(`${i}`))),
    ),
  };
  for (const [what, message] of Object.entries(cases)) {
    it(what, () => {
      assert.throws(() => decoded(message), isViolation);
    });
  }

  it('every batch that is cut short, except between frames', () => {
    fc.assert(
      fc.property(anyBatch, (frames) => {
        const message = encodeBatch(frames);
        const boundaries = new Set([0]);
        for (let count = 1; count <= frames.length; count++) {
          boundaries.add(encodeBatch(frames.slice(0, count)).length);
        }
        for (let end = 0; end < message.length; end += end < 300 ? 1 : 997) {
          const cut = message.subarray(0, end);
          if (boundaries.has(end)) decoded(cut);
          else assert.throws(() => decoded(cut), isViolation);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('or reads any bytes at all, and throws nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refusedOrRead(Buffer.from(bytes))),
      { numRuns: 3000 },
    );
  });

  it('or reads a batch with bytes changed, and throws nothing else', () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyBatch, changes, (frames, changed) => {
        const message = encodeBatch(frames);
        for (const [at, byte] of changed)
          if (message.length > 0) message[at % message.length] = byte;
        refusedOrRead(message);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the decoder passes over', () => {
  const unknown: Record<string, Buffer> = {
    'a varint': number(900, 7),
    'a 64-bit varint': number(900, 2n ** 64n - 1n),
    'eight bytes': fixed(900, 8),
    'four bytes': fixed(900, 4),
    'a message': delimited(900, 'anything', Buffer.alloc(300)),
    'a known number of another wire type': delimited(1, number(2, 1)),
  };
  const known: Record<string, { readonly field: number; readonly content: Buffer }> = {
    hello: { field: FRAME_FIELDS.hello, content: number(2, 1) },
    welcome: { field: FRAME_FIELDS.welcome, content: delimited(5, 's') },
    open: { field: FRAME_FIELDS.open, content: delimited(3, 'GET') },
    head: { field: FRAME_FIELDS.head, content: Buffer.concat([number(1, 200), delimited(2, 'x')]) },
    reset: { field: FRAME_FIELDS.reset, content: delimited(2, 'why') },
    close: { field: FRAME_FIELDS.close, content: delimited(2, 'why') },
  };
  for (const [name, bytes] of Object.entries(unknown)) {
    it(`${name} that a later version added to a message`, () => {
      for (const [kind, { field, content }] of Object.entries(known)) {
        const stream = ['open', 'head', 'reset'].includes(kind) ? [STREAM] : [];
        const isOwnText = name.startsWith('a known') && ['reset', 'close', 'open'].includes(kind);
        if (isOwnText) continue; // field 1 is a text there
        const [plain] = decoded(batch(...stream, delimited(field, content)));
        for (const message of [Buffer.concat([content, bytes]), Buffer.concat([bytes, content])]) {
          assert.deepEqual(decoded(batch(...stream, delimited(field, message))), [plain], kind);
        }
      }
    });
  }

  it('unknown fields of a service and of a map entry', () => {
    const service = delimited(8, delimited(1, 'jenkins'), number(900, 1), delimited(2, 'ci'));
    const annotation = delimited(9, delimited(1, 'k'), fixed(3, 8), delimited(2, 'v'));
    const [hello] = decoded(batch(delimited(FRAME_FIELDS.hello, service, annotation)));
    assert.equal(hello?.kind, 'hello');
    assert.deepEqual([hello.services[0]?.type, hello.services[0]?.name], ['jenkins', 'ci']);
    assert.deepEqual({ ...hello.annotations }, { k: 'v' });
  });
});

describe('what has been decoded', () => {
  it('does not hold a large message for a small piece of data', () => {
    const small = Buffer.from('event');
    const bulk = Buffer.alloc(PROTOCOL_LIMITS.maxDataBytes, 1);
    const message = encodeBatch([
      { kind: 'data', stream: 1, bytes: bulk },
      { kind: 'data', stream: 3, bytes: small },
    ]);
    const [large, piece] = decoded(message);
    assert.ok(piece?.kind === 'data' && large?.kind === 'data');
    assert.deepEqual(piece.bytes, small);
    assert.ok(piece.bytes.buffer.byteLength < 16_384, 'a piece of its own');
    assert.equal(large.bytes.buffer, message.buffer, 'bulk is not copied');
  });

  it('does not change when the message is overwritten, where it outlives it', () => {
    const message = encodeBatch([
      { kind: 'challenge', nonce: Buffer.from('nonce') },
      { kind: 'proof', certificate: Buffer.from('cert'), signature: Buffer.from('sig') },
    ]);
    const [challenge, proof] = decoded(message);
    message.fill(0);
    assert.ok(challenge?.kind === 'challenge' && proof?.kind === 'proof');
    assert.deepEqual([challenge.nonce, proof.certificate, proof.signature].map(String), [
      'nonce',
      'cert',
      'sig',
    ]);
  });

  it('costs memory in proportion to the message, whatever the message says', () => {
    const services = delimited(FRAME_FIELDS.services, Buffer.alloc(9000 * 2, delimited(1)));
    const before = process.memoryUsage().heapUsed;
    const [frame] = decoded(batch(services));
    const bytes = process.memoryUsage().heapUsed - before;
    assert.ok(frame?.kind === 'services');
    assert.ok(bytes < 16 * 1024 * 1024, `${bytes} bytes for an 18 KB message`);
  });
});

function entry(key: string): Buffer {
  return delimited(9, delimited(1, key));
}

function decoded(message: Buffer): Frame[] {
  const frames: Frame[] = [];
  decodeBatch(message, (frame) => frames.push(frame));
  return frames;
}

function refusedOrRead(message: Buffer): void {
  try {
    decoded(message);
  } catch (reason) {
    if (!isViolation(reason)) throw reason;
  }
}

function isViolation(reason: unknown): boolean {
  return reason instanceof TunnelError && reason.code === 'PROTOCOL_VIOLATION';
}
