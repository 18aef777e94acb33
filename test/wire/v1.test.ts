/**
 * Batches as version 1 sent them: every later version must read them, and version 1 goes on writing
 * them byte for byte. If the second test fails, the encoding has changed: deployed peers will see it.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeBatch } from '../../shared/protocol/frame-decoder.js';
import { FRAME_FIELDS } from '../../shared/protocol/frame-encoder.js';
import { PROTOCOL_VERSION } from '../../shared/protocol/frame.js';
import type { Frame } from '../../shared/protocol/frame.js';
import { protoOracle } from '../shared/protocol/proto-oracle.js';
import { readRecording } from './recording.js';
import { V1_BATCHES } from './v1-batches.js';
import { encodeBatch } from '../harness/encoded-batch.js';

describe('batches recorded from version 1', () => {
  it('are all there', () => {
    const recorded = readdirSync(join(import.meta.dirname, 'v1')).sort();
    assert.deepEqual(
      recorded,
      Object.keys(V1_BATCHES)
        .map((name) => `${name}.hex`)
        .sort(),
    );
    assert.ok(recorded.length >= 10);
  });

  it('hold every kind of frame', () => {
    const kinds = Object.keys(FRAME_FIELDS).filter((field) => field !== 'stream');
    const recorded = new Set(Object.values(V1_BATCHES).flatMap((frames) => frames.map((f) => f.kind)));
    assert.deepEqual([...recorded].sort(), kinds.sort());
  });

  for (const [name, frames] of Object.entries(V1_BATCHES)) {
    it(`are read: ${name}`, () => {
      const read: Frame[] = [];
      decodeBatch(readRecording('v1', name), (frame) => read.push(frame));
      assert.deepEqual(read.map(withPlainMaps), frames);
    });

    it(`are read by the .proto alone: ${name}`, () => {
      const read = protoOracle().decode(readRecording('v1', name));
      assert.deepEqual(read.map(withPlainMaps), frames);
    });

    it(`are what version 1 still writes: ${name}`, { skip: PROTOCOL_VERSION !== 1 }, () => {
      assert.equal(encodeBatch(frames).toString('hex'), readRecording('v1', name).toString('hex'));
    });
  }
});

/** Decoded maps have no prototype. */
function withPlainMaps(frame: Frame): Frame {
  if (!('services' in frame)) return frame;
  const services = frame.services.map((service) => ({
    ...service,
    annotations: { ...service.annotations },
  }));
  if (frame.kind === 'hello') return { ...frame, services, annotations: { ...frame.annotations } };
  return { ...frame, services };
}
