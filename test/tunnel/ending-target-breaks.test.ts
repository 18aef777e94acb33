/**
 * The target ends things in its own ways: it is killed in the middle of a body, answers before it has the
 * request, closes early. What the caller gets is whole or visibly broken.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FrameCaller } from '../harness/h2-frames.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, http2Status, RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start();
});
after(async () => rig.stop());

describe('a target that is killed in the middle of a body', () => {
  for (const [what, framed] of [
    ['chunked', false],
    ['with a length', true],
  ] as const) {
    test(`${what} breaks the response over HTTP/1.1, HTTP/1.0 and HTTP/2`, async () => {
      rig.target.on.set('/cut', ({ response }) => {
        if (framed) response.setHeader('Content-Length', 100_000);
        response.write('begun\n');
      });
      const raw = [
        await RawCaller.ask(rig.identity, { path: '/cut' }),
        await RawCaller.ask(rig.identity, { path: '/cut', version: '1.0' }),
      ];
      const frames = await FrameCaller.ask(rig.identity, '/cut');
      const hasData = (): boolean => frames.ofStream.some((one) => one.type === 'data');
      await waitFor('data over HTTP/2', hasData);
      for (const caller of raw)
        await waitFor('the body to begin', () => caller.text.includes('begun'));
      rig.target.cut();
      await waitFor('a reset', () => frames.ofStream.some((one) => one.type === 'rst'));
      assert.deepEqual(
        frames.ofStream.filter((one) => one.endStream),
        [],
      );
      for (const caller of raw) {
        assert.equal(await caller.ended, 'reset');
        assert.ok(!caller.text.endsWith('0\r\n\r\n'));
      }
      frames.close();
      await rig.settled();
    });
  }

  test('before its head gets the caller 502 with a reason', async () => {
    rig.target.on.set('/dies', ({ socket }) => socket.resetAndDestroy());
    const answer = await rig.ask('/dies', { method: 'POST', body: 'x' });
    assert.equal(answer.status, 502);
    assert.equal(answer.headers['x-fairlead-error'], 'TARGET_BROKE_OFF');
    assert.equal(rig.target.count('POST /dies'), 1);
    await rig.settled();
  });
});

describe('a target that answers before it has the whole request', () => {
  const answerEarly = (isClosing: boolean): void => {
    rig.target.on.set('/early', ({ request, response, socket }) => {
      request.once('data', () => {
        response.statusCode = 413;
        if (!isClosing) return response.end('too much');
        // as careful servers do: no reset until the other side can have read the answer
        socket.end(
          'HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much',
        );
        setTimeout(() => socket.destroy(), 500);
        return undefined;
      });
    });
  };

  for (const isClosing of [false, true]) {
    const how = isClosing ? 'and closes' : 'and reads on';
    test(`${how} has its answer delivered over HTTP/1.1, while the caller still sends`, async () => {
      answerEarly(isClosing);
      const caller = await RawCaller.ask(rig.identity, {
        path: '/early',
        method: 'POST',
        headers: ['Content-Length: 1000000000'],
      });
      const timer = setInterval(() => caller.socket.write(Buffer.alloc(64_000)), 5);
      try {
        await waitFor('the answer', () => caller.text.includes('too much'));
        assert.match(caller.text, /^HTTP\/1\.1 413 /);
        await caller.ended;
      } finally {
        clearInterval(timer);
        caller.leave();
      }
      await rig.settled();
    });

    test(`${how} has its answer delivered over HTTP/2, and the stream ends`, async () => {
      answerEarly(isClosing);
      const caller = await Http2Caller.connect(rig.identity);
      const stream = caller.open('/early', 'POST', true);
      let text = '';
      stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
      stream.write(Buffer.alloc(64_000));
      assert.equal(await http2Status(stream), 413);
      await waitFor('the whole answer', () => text === 'too much');
      // the caller never ends its half: the stream must not wait for that
      await rig.settled();
      await waitFor('the stream to end', () => stream.closed);
      assert.equal(stream.rstCode, 0);
      caller.close();
    });
  }

  test('and goes on answering while the body comes gets both through', async () => {
    rig.target.on.set('/echo', ({ request, response }) => {
      response.flushHeaders();
      request.pipe(response);
    });
    const caller = await Http2Caller.connect(rig.identity);
    const stream = caller.open('/echo', 'POST', true);
    let text = '';
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
    for (let i = 0; i < 20; i++) {
      const before = text.length;
      stream.write(`ping ${i}\n`);
      await waitFor('the echo', () => text.length > before);
    }
    stream.end();
    await waitFor('the end', () => stream.closed);
    assert.equal(stream.rstCode, 0);
    assert.equal(text, Array.from({ length: 20 }, (_, i) => `ping ${i}\n`).join(''));
    caller.close();
    await rig.settled();
  });

  test('even before the first byte of it is reached', async () => {
    rig.target.on.set('/head-first', ({ response }) => response.end('go away'));
    const caller = await Http2Caller.connect(rig.identity);
    const stream = caller.open('/head-first', 'POST', true);
    let text = '';
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
    // the caller waits for the answer before it sends its body
    assert.equal(await http2Status(stream), 200);
    await waitFor('the answer', () => text === 'go away');
    caller.close();
    await rig.settled();
  });
});
