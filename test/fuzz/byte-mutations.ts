/**
 * Messages that are almost right: real ones with bytes changed, cut out, doubled or mixed.
 */
import * as fc from 'fast-check';

/** Values that mean something in protobuf: ends of varints, tags of frames, wire types. */
const TELLING_BYTES = [
  0x00, 0x01, 0x08, 0x0a, 0x12, 0x5a, 0x62, 0x6a, 0x72, 0x7a, 0x7f, 0x80, 0x82, 0xff,
];

const byte = fc.oneof(fc.constantFrom(...TELLING_BYTES), fc.nat({ max: 255 }));
const place = fc.nat({ max: 4095 });

type Mutation = (bytes: Buffer) => Buffer;

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, byte).map(([at, value]) => changed(at, value)),
  fc
    .tuple(place, fc.array(byte, { minLength: 1, maxLength: 12 }))
    .map(([at, values]) => inserted(at, values)),
  fc.tuple(place, fc.nat({ max: 40 })).map(([at, length]) => removed(at, length)),
  fc.tuple(place, fc.nat({ max: 200 }), place).map(([at, length, to]) => copied(at, length, to)),
);

/** One of `originals`, or two of them one after the other, mutated up to six times. */
export function mutatedBytes(originals: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const original = fc.constantFrom(...originals);
  const start = fc.oneof(
    original,
    fc.tuple(original, original).map((two) => Buffer.concat(two)),
  );
  return fc
    .tuple(start, fc.array(mutation, { maxLength: 6 }))
    .map(([bytes, mutations]) => mutations.reduce((now, mutate) => mutate(now), bytes));
}

function changed(at: number, value: number): Mutation {
  return (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at % copy.length] = value;
    return copy;
  };
}

function inserted(at: number, values: readonly number[]): Mutation {
  return (bytes) => spliced(bytes, at % (bytes.length + 1), 0, Buffer.from(values));
}

function removed(at: number, length: number): Mutation {
  return (bytes) => spliced(bytes, at % (bytes.length + 1), length, Buffer.alloc(0));
}

function copied(at: number, length: number, to: number): Mutation {
  return (bytes) => {
    const from = at % (bytes.length + 1);
    return spliced(bytes, to % (bytes.length + 1), 0, bytes.subarray(from, from + length));
  };
}

function spliced(bytes: Buffer, at: number, length: number, piece: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + length)]);
}
