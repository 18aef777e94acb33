/** A request body between a stream and a target: nothing is lost, and a slow target holds the caller back. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { RequestBody } from '../../../shared/forwarding/request-body.js';
import type { TunnelStream } from '../../../shared/protocol/tunnel-stream.js';

describe('a request body', () => {
  it('gives all bytes in order, whether they came before or after they were wanted', async () => {
    const { body, consumed } = bodyOf();
    body.give(Buffer.from('a'));
    body.give(Buffer.from('bc'));
    const read = collect(body);
    await turn();
    body.give(Buffer.from('d'));
    await turn();
    body.give(Buffer.from('ef'));
    body.complete();
    assert.equal(await read, 'abcdef');
    assert.equal(consumed(), 6);
  });

  it('ends when it was complete before anybody read', async () => {
    const { body } = bodyOf();
    body.complete();
    assert.equal(await collect(body), '');
  });

  it('counts bytes as consumed only when they are taken', async () => {
    const { body, consumed } = bodyOf();
    for (let i = 0; i < 100; i++) body.give(Buffer.alloc(1000));
    assert.equal(consumed(), 0);
    const taken: Buffer[] = [];
    let release: () => void = () => undefined;
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        taken.push(chunk);
        release = done;
      },
    });
    const piped = pipeline(body, slow);
    await turn();
    assert.ok(consumed() <= 3000, `${consumed()} bytes for one that was taken`);
    body.complete();
    while (taken.length < 100) {
      release();
      await turn();
    }
    release();
    await piped;
    assert.equal(consumed(), 100_000);
  });

  it('gives up what nobody is going to read, when it is destroyed', async () => {
    const { body, isDiscarded, consumed } = bodyOf();
    body.give(Buffer.alloc(1000));
    body.destroy();
    await turn();
    assert.equal(isDiscarded(), true);
    body.give(Buffer.alloc(1000));
    body.complete();
    await turn();
    assert.equal(consumed(), 0);
  });

  it('breaks its reader when it is destroyed with an error', async () => {
    const { body } = bodyOf();
    const read = collect(body);
    body.destroy(new Error('the caller left'));
    await assert.rejects(read, /the caller left/);
  });
});

function bodyOf() {
  let consumed = 0;
  let isDiscarded = false;
  const stream: Pick<TunnelStream, 'consumed' | 'discard'> = {
    consumed: (bytes) => void (consumed += bytes),
    discard: () => void (isDiscarded = true),
  };
  // the body uses nothing else of a stream
  const body = new RequestBody(stream as TunnelStream);
  return { body, consumed: () => consumed, isDiscarded: () => isDiscarded };
}

async function collect(body: RequestBody): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer); // not in object mode
  return Buffer.concat(chunks).toString();
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
