/** The hand-written wire formats of the demo API: SPDY, WebSocket, protobuf. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createInflate } from 'node:zlib';
import fc from 'fast-check';
import { createSchemaCatalog } from '../../../../deploy/demo/kubernetes/schemas/schema-catalog.js';
import { readProtobufObject } from '../../../../deploy/demo/kubernetes/schemas/protobuf-reader.js';
import { ProtobufWriter } from '../../../../deploy/demo/kubernetes/openapi/protobuf-writer.js';
import { SPDY_DICTIONARY } from '../../../../deploy/demo/kubernetes/streaming/spdy/spdy-dictionary.js';
import {
  controlFrame,
  dataFrame,
  SpdyFrameReader,
} from '../../../../deploy/demo/kubernetes/streaming/spdy/spdy-frame.js';
import {
  HeaderReader,
  HeaderWriter,
} from '../../../../deploy/demo/kubernetes/streaming/spdy/spdy-headers.js';
import {
  WebSocketError,
  WebSocketFrameReader,
  webSocketFrame,
} from '../../../../deploy/demo/kubernetes/streaming/websocket/websocket-frame.js';

describe('SPDY header blocks', () => {
  it('survive writing and reading, block after block on one zlib stream', async () => {
    const writer = new HeaderWriter();
    const reader = new HeaderReader();
    const blocks = [
      new Map(),
      new Map([['streamtype', 'stdin']]),
      new Map([
        ['port', '80'],
        ['requestid', '7'],
      ]),
    ];
    for (const block of blocks) assert.deepEqual(await reader.read(writer.write(block)), block);
    reader.close();
  });

  it('are plain zlib with the dictionary of the protocol', async () => {
    assert.equal(SPDY_DICTIONARY.length, 1423);
    const inflate = createInflate({ dictionary: SPDY_DICTIONARY });
    inflate.write(new HeaderWriter().write(new Map([['a', 'b']])));
    const [bytes] = await new Promise<Buffer[]>((resolve) =>
      inflate.once('data', (data: Buffer) => resolve([data])),
    );
    assert.equal(bytes?.toString('hex'), '00000001' + '0000000161' + '0000000162');
    inflate.close();
  });

  it('are refused when they are no zlib', async () => {
    await assert.rejects(new HeaderReader().read(Buffer.from('not compressed')));
  });
});

/** Cuts bytes at random places. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return [...chunks, bytes.subarray(offset)];
}

describe('frame readers', () => {
  it('give the same SPDY frames wherever the bytes are cut', () => {
    const bytes = Buffer.concat([
      controlFrame(6, Buffer.from([0, 0, 0, 1])),
      dataFrame(3, Buffer.from('hello'), false),
      dataFrame(3, Buffer.alloc(0), true),
    ]);
    const whole = new SpdyFrameReader().push(bytes);
    assert.deepEqual(
      whole.map(({ kind, flags }) => [kind, flags]),
      [
        ['control', 0],
        ['data', 0],
        ['data', 1],
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 12 }), { maxLength: 10 }), (sizes) => {
        const reader = new SpdyFrameReader();
        assert.deepEqual(
          cut(bytes, sizes).flatMap((chunk) => reader.push(chunk)),
          whole,
        );
      }),
    );
  });

  it('give the same WebSocket frames wherever the bytes are cut', () => {
    const masked = (opcode: number, payload: Buffer) => {
      const plain = webSocketFrame(opcode, payload);
      const head = Buffer.from(plain.subarray(0, plain.length - payload.length));
      head[1] = (head[1] ?? 0) | 0x80;
      return Buffer.concat([head, Buffer.alloc(4), payload]); // a mask of zeros changes nothing
    };
    const bytes = Buffer.concat([
      masked(1, Buffer.from('hi')),
      masked(2, Buffer.alloc(300, 7)),
      masked(8, Buffer.alloc(0)),
    ]);
    const whole = new WebSocketFrameReader(1000).push(bytes);
    assert.deepEqual(
      whole.map((frame) => [frame.opcode, frame.payload.length]),
      [
        [1, 2],
        [2, 300],
        [8, 0],
      ],
    );
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 100 }), { maxLength: 10 }), (sizes) => {
        const reader = new WebSocketFrameReader(1000);
        assert.deepEqual(
          cut(bytes, sizes).flatMap((chunk) => reader.push(chunk)),
          whole,
        );
      }),
    );
  });

  it('refuse unmasked and over-long WebSocket frames', () => {
    assert.throws(
      () => new WebSocketFrameReader(10).push(webSocketFrame(2, Buffer.from('x'))),
      WebSocketError,
    );
    const long = Buffer.from([0x82, 0x80 | 126, 0x04, 0x00, 0, 0, 0, 0]);
    assert.throws(() => new WebSocketFrameReader(10).push(long), { closeCode: 1009 });
  });
});

describe('objects as protobuf', () => {
  const schemas = createSchemaCatalog();
  const envelope = (kind: string, build: (object: ProtobufWriter) => void) =>
    Buffer.concat([
      Buffer.from('k8s\0'),
      new ProtobufWriter()
        .message(1, (type) => type.string(1, 'v1').string(2, kind))
        .message(2, build)
        .finish(),
    ]);

  it('are read by the numbers of the schema', () => {
    const body = envelope('ConfigMap', (object) => {
      object.message(1, (metadata) => metadata.string(1, 'settings').message(8, () => undefined));
      object.message(2, (entry) => entry.string(1, 'color').string(2, 'teal'));
    });
    assert.deepEqual(readProtobufObject(schemas, body), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { color: 'teal' },
    });
  });

  it('are refused rather than read in part', () => {
    const body = envelope('ConfigMap', (object) => object.string(99, 'new field'));
    assert.throws(() => readProtobufObject(schemas, body), /cannot read field 99 of ConfigMap/);
    assert.throws(() => readProtobufObject(schemas, body.subarray(0, 9)), { code: 400 });
  });
});
