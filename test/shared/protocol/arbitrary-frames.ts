/**
 * Frames of every kind for property tests, with the values that break codecs drawn more often than
 * chance would: zero and largest numbers, empty texts, lengths around a byte more of varint.
 */
import * as fc from 'fast-check';
import type { Frame } from '../../../shared/protocol/frame.js';
import type { ServiceAdvertisement } from '../../../shared/service-advertisement.js';

const uint32 = fc.oneof(
  fc.constantFrom(0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000, 0xfffffff, 0x10000000),
  fc.constantFrom(0x7fffffff, 0x80000000, 0xffffffff),
  fc.nat({ max: 0xffffffff }),
);
const streamNumber = fc
  .oneof(uint32, fc.constantFrom(2 ** 32, 2 ** 35, 2 ** 42, 2 ** 49), fc.maxSafeNat())
  .map((number) => number || 1);
const flag = fc.boolean();

const latin1 = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom('', 'x'.repeat(127), 'x'.repeat(128), 'x'.repeat(16_384)),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('', 'ü'.repeat(64), '\u{1F6A2}'.repeat(40), '__proto__', 'toString'),
);
const buffer = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

/** Alternating names and values, any bytes. */
export const headerList: fc.Arbitrary<string[]> = fc
  .array(fc.tuple(latin1, latin1), { maxLength: 6 })
  .map((pairs) => pairs.flat());

// the decoder's maps have no prototype, as protobufjs' cannot be told to
const map = fc
  .dictionary(fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('', '7', 'toString')), text, {
    maxKeys: 4,
    noNullPrototype: true,
  })
  .filter((entries) => !Object.hasOwn(entries, '__proto__'));

const service: fc.Arbitrary<ServiceAdvertisement> = fc.record({
  type: text,
  name: text,
  configured: flag,
  annotations: map,
  namespaces: fc.array(text, { maxLength: 3 }),
  accountId: text,
  assumeRole: text,
});
const services = fc.array(service, { maxLength: 3 });
const capabilities = fc.array(text, { maxLength: 3 });

const kind = <const K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

/** One of each kind, so that a test can see that none was forgotten. */
export const framesByKind: { readonly [K in Frame['kind']]: fc.Arbitrary<Frame> } = {
  hello: fc.record({
    kind: kind('hello'),
    version: uint32,
    minVersion: uint32,
    capabilities,
    build: text,
    hostname: text,
    instance: text,
    generation: uint32,
    services,
    annotations: map,
    window: uint32,
  }),
  welcome: fc.record({
    kind: kind('welcome'),
    version: uint32,
    capabilities,
    build: text,
    session: text,
    services,
    window: uint32,
  }),
  challenge: fc.record({ kind: kind('challenge'), nonce: buffer }),
  proof: fc.record({ kind: kind('proof'), certificate: buffer, signature: buffer }),
  ping: fc.record({ kind: kind('ping'), id: uint32 }),
  pong: fc.record({ kind: kind('pong'), id: uint32 }),
  drain: fc.record({ kind: kind('drain'), reason: text }),
  services: fc.record({ kind: kind('services'), services }),
  close: fc.record({ kind: kind('close'), code: text, message: text, final: flag }),
  open: fc.record({
    kind: kind('open'),
    stream: streamNumber,
    service: fc.record({ type: text, name: text }),
    method: latin1,
    target: latin1,
    headers: headerList,
    ended: flag,
    upgrade: flag,
    window: uint32,
  }),
  head: fc.record({
    kind: kind('head'),
    stream: streamNumber,
    status: fc.integer({ min: 100, max: 999 }),
    reason: latin1,
    headers: headerList,
    ended: flag,
  }),
  data: fc.record({ kind: kind('data'), stream: streamNumber, bytes: buffer }),
  end: fc.record({ kind: kind('end'), stream: streamNumber, trailers: headerList }),
  reset: fc.record({
    kind: kind('reset'),
    stream: streamNumber,
    code: text,
    message: text,
    retryAfterSeconds: uint32,
  }),
  credit: fc.record({ kind: kind('credit'), stream: streamNumber, bytes: uint32 }),
};

/** Any frame. */
export const anyFrame: fc.Arbitrary<Frame> = fc.oneof(...Object.values(framesByKind));

/** What one gRPC message carries. */
export const anyBatch: fc.Arbitrary<Frame[]> = fc.array(anyFrame, { maxLength: 8 });
