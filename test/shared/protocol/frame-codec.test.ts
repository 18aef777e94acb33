/** The hand-written codec against protobufjs reading the same tunnel.proto, both ways. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { decodeBatch } from '../../../shared/protocol/frame-decoder.js';
import { FRAME_FIELDS } from '../../../shared/protocol/frame-encoder.js';
import type { Frame } from '../../../shared/protocol/frame.js';
import { TUNNEL_SERVICE } from '../../../shared/protocol/tunnel-rpc.js';
import { anyBatch, framesByKind } from './arbitrary-frames.js';
import { protoOracle } from './proto-oracle.js';
import { encodeBatch } from '../../harness/encoded-batch.js';

const oracle = protoOracle();

describe('the codec, compared with protobufjs', () => {
  it('is for the call that the .proto names', () => {
    const { path, requestStream, responseStream } = oracle.call;
    const { Connect } = TUNNEL_SERVICE;
    assert.deepEqual(
      [Connect.path, Connect.requestStream, Connect.responseStream],
      [path, requestStream, responseStream],
    );
  });

  it('knows every kind of frame that the .proto has', () => {
    const kinds = Object.keys(FRAME_FIELDS).filter((field) => field !== 'stream');
    assert.deepEqual(Object.keys(framesByKind).sort(), kinds.sort());
  });

  for (const [kind, frames] of Object.entries(framesByKind)) {
    it(`writes ${kind} frames that protobufjs reads alike`, () => {
      fc.assert(
        fc.property(frames, (frame) => {
          assert.deepEqual(plain(oracle.decode(encodeBatch([frame]))), plain([frame]));
        }),
      );
    });

    it(`reads ${kind} frames that protobufjs wrote`, () => {
      fc.assert(
        fc.property(frames, (frame) => {
          assert.deepEqual(plain(decoded(oracle.encode([frame]))), plain([frame]));
        }),
      );
    });
  }

  it('writes the bytes that protobufjs writes, where proto3 leaves no choice', () => {
    fc.assert(
      fc.property(anyBatch, (frames) => {
        const canonical = frames.filter(hasOneEncoding);
        assert.deepEqual(encodeBatch(canonical), oracle.encodeCanonical(canonical));
      }),
    );
  });

  it('reads back every batch it writes, in order', () => {
    fc.assert(
      fc.property(anyBatch, (frames) => {
        assert.deepEqual(plain(decoded(encodeBatch(frames))), plain(frames));
      }),
    );
  });

  it('reads the texts of large heads as those of small ones', () => {
    for (const length of [1, 15 * 1024, 16 * 1024, 100 * 1024]) {
      const headers = ['X-Long', 'é'.repeat(length), 'X-Short', 'a'];
      const frame = { kind: 'head', stream: 1, status: 200, reason: 'Grüß', headers, ended: true };
      assert.deepEqual(decoded(encodeBatch([frame as Frame])), [frame]);
    }
  });

  it('fills its buffer exactly', () => {
    fc.assert(
      fc.property(anyBatch, (frames) => {
        const [first = { kind: 'ping', id: 1 } satisfies Frame] = frames;
        // a size that is too large would leave bytes of other messages at the end
        const twice = Buffer.concat([encodeBatch(frames), encodeBatch([first])]);
        assert.deepEqual(plain(decoded(twice)), plain([...frames, first]));
      }),
    );
  });

  it('keeps keys that collide with properties of objects apart', () => {
    const [frame] = decoded(
      oracle.encodeRaw([{ hello: { annotations: { constructor: 'a', toString: 'b' } } }]),
    );
    assert.equal(frame?.kind, 'hello');
    assert.deepEqual(Object.entries(frame.annotations), [
      ['constructor', 'a'],
      ['toString', 'b'],
    ]);
    const bytes = encodeBatch([
      { ...frame, annotations: JSON.parse('{"__proto__":"c"}') as Record<string, string> },
    ]);
    const [again] = decoded(bytes);
    assert.equal(again?.kind, 'hello');
    assert.deepEqual(Object.entries(again.annotations), [['__proto__', 'c']]);
  });
});

function decoded(message: Buffer): Frame[] {
  const frames: Frame[] = [];
  decodeBatch(message, (frame) => frames.push(frame));
  return frames;
}

/** Without prototypes and buffer pools, which deepEqual compares too. */
function plain(frames: readonly Frame[]): unknown {
  return JSON.parse(
    JSON.stringify(frames, (_key, value: unknown) =>
      isBufferJson(value) ? { hex: Buffer.from(value.data).toString('hex') } : sorted(value),
    ),
  );
}

function isBufferJson(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, (value as Record<string, unknown>)[key]]), // any object has such keys
  );
}

/** Map entries and empty byte fields may be written with or without their defaults. */
function hasOneEncoding(frame: Frame): boolean {
  if (frame.kind === 'hello' && Object.keys(frame.annotations).length > 0) return false;
  if ('services' in frame) {
    return frame.services.every((service) => Object.keys(service.annotations).length === 0);
  }
  if (frame.kind === 'challenge') return frame.nonce.length > 0;
  return frame.kind !== 'proof' || (frame.certificate.length > 0 && frame.signature.length > 0);
}
