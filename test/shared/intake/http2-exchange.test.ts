/**
 * Streams that end out of turn, as exchanges of the port for callers show them: each is over, and complete only if
 * its caller has got all, whatever was held back or under way.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallerExchange } from '../../../shared/intake/caller-exchange.js';
import { CLOSED_STREAM_LOOK_MS } from '../../../shared/intake/http2-sessions.js';
import { testAuthority } from '../../controller/certificates/test-authority.js';
import { startCallerPort } from '../../harness/caller-port.js';
import { Flag, FrameCaller, FrameType, frame, resetFrame } from '../../harness/h2-frames.js';
import { waitFor } from '../../harness/wait-for.js';

const authority = testAuthority();
const { certPem: cert, keyPem: key } = await authority.issueServerCertificate(['localhost']);
const SECURE = { cert, key, ca: authority.caPem };
const HEAD = { status: 200, reason: '', headers: [], ended: false };
/** More than the window of a caller that gives no more. */
const LARGE = Buffer.alloc(1024 * 1024);
/** More than the buffers of a kernel take. */
const HUGE = Buffer.alloc(64 * 1024 * 1024);
/** More than HTTP/2 sends as one block; too much for the tunnel, too. */
const MANY_HEADERS = Array.from({ length: 600 }, (_, i) => [`x-${i}`, 'v'.repeat(2000)]).flat();

for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL]) {
  describe(`a stream that its caller resets with code ${code}`, { timeout: 60_000 }, () => {
    test('while its body is held back is over, and its body has no end', async (context) => {
      let received = '';
      let isEnded = false;
      const { caller, closed } = await open(context, (exchange) => {
        exchange.startBody({
          onBody: (bytes) => {
            received += bytes.toString();
            exchange.pauseBody();
          },
          onBodyEnd: () => (isEnded = true),
          onBodyFault: (error) => assert.fail(error.message),
        });
      });
      await caller.send(caller.request(1, '/', Flag.endHeaders), data('one'));
      await waitFor('the first bytes', () => received === 'one');
      await caller.send(data('two'), resetFrame(1, code));
      assert.equal(await closed(), false, 'the exchange was complete');
      assert.equal(isEnded, false, 'half a body was taken for the whole');
    });

    test('after the head of the response is over and not complete', async (context) => {
      const { caller, closed } = await open(context, (exchange) => exchange.sendHead(HEAD));
      await caller.send(caller.request(1, '/'));
      await waitFor('the head', () => caller.ofStream.length > 0);
      await caller.send(resetFrame(1, code));
      assert.equal(await closed(), false, 'the exchange was complete');
    });

    test('with a response on its way is over and not complete', async (context) => {
      context.mock.timers.enable({ apis: ['setInterval'] });
      const passLook = (): void => context.mock.timers.tick(CLOSED_STREAM_LOOK_MS);
      const { caller, closed } = await open(context, (exchange) => {
        exchange.sendHead(HEAD);
        exchange.sendData(LARGE, () => undefined);
        exchange.sendEnd([]);
      });
      await caller.send(caller.request(1, '/'));
      await waitFor('the window to be full', () => bytesOf(caller) >= 65_535);
      await caller.send(resetFrame(1, code));
      assert.equal(await closed(passLook), false, 'the exchange was complete');
      assert.equal(caller.isClosed, false, 'the connection was broken');
    });

    test('is not answered any more', async (context) => {
      const exchanges: CallerExchange[] = [];
      const { caller, closed } = await open(context, (exchange) => exchanges.push(exchange));
      await caller.send(caller.request(1, '/', Flag.endHeaders), data('one'));
      const first = await waitFor('the request', () => exchanges[0]);
      await caller.send(resetFrame(1, code));
      await closed();
      first.sendInformational(103, []);
      first.sendHead(HEAD);
      await caller.send(caller.request(3, '/'));
      const second = await waitFor('another request', () => exchanges[1]);
      second.sendHead({ ...HEAD, ended: true });
      await waitFor('its answer', () => caller.frames.some(({ stream }) => stream === 3));
      assert.equal(caller.ofStream.length, 0);
    });
  });
}

test('a response that ends before a request that is held back ends both', async (context) => {
  let received = '';
  const { caller, closed } = await open(context, (exchange) => {
    exchange.startBody({
      onBody: (bytes) => {
        received += bytes.toString();
        exchange.pauseBody();
        if (received !== 'one') return;
        exchange.sendHead(HEAD);
        exchange.sendEnd([]);
      },
      onBodyEnd: () => assert.fail('the rest of the body was not wanted'),
      onBodyFault: (error) => assert.fail(error.message),
    });
  });
  const last = frame(FrameType.data, Flag.endStream, 1, Buffer.from('three'));
  await caller.send(caller.request(1, '/', Flag.endHeaders), data('one'), data('two'), last);
  assert.equal(await closed(), true, 'the exchange was not complete');
});

test('a head that HTTP/2 cannot carry resets its stream, beside others', async (context) => {
  const exchanges: CallerExchange[] = [];
  const { caller, closed } = await open(context, (exchange) => exchanges.push(exchange));
  await caller.send(caller.request(1, '/'), caller.request(3, '/'));
  await waitFor('both requests', () => exchanges.length === 2);
  exchanges[0]?.sendHead({ ...HEAD, headers: MANY_HEADERS });
  await waitFor('the reset', () => caller.ofStream.some(({ type }) => type === 'rst'));
  assert.equal(await closed(), false, 'the exchange was complete');
});

test('a response that its caller reads slowly is not cut, and complete', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  let isWritten = false;
  const { caller, closed, isClosed } = await open(context, (exchange) => {
    // of a length that is known: no trailers follow, and HTTP/2 closes the stream before its bytes have left
    exchange.sendHead({ ...HEAD, headers: ['content-length', String(HUGE.length)] });
    exchange.sendData(HUGE, () => (isWritten = true));
    exchange.sendEnd([]);
  });
  await caller.send(windowOf(2 * HUGE.length), caller.request(1, '/'));
  await waitFor('the head', () => caller.ofStream.length > 0);
  caller.pause();
  await delay(500); // what must not happen has no moment to wait for
  for (let look = 0; look < 3; look++) {
    context.mock.timers.tick(CLOSED_STREAM_LOOK_MS);
    await delay(100);
  }
  assert.equal(isWritten, false, 'the kernel took it all: nothing was tested');
  assert.equal(isClosed(), false, 'the exchange ended although the caller had not read it');
  caller.resume();
  assert.equal(await closed(), true, 'the exchange was not complete');
  await waitFor('all bytes', () => bytesOf(caller) === HUGE.length);
});

/** A caller, and the end of its exchange: whether it was complete. */
interface Opened {
  readonly caller: FrameCaller;
  closed(whileWaiting?: () => void): Promise<boolean>;
  isClosed(): boolean;
}

async function open(
  context: TestContext,
  onExchange: (exchange: CallerExchange) => void,
): Promise<Opened> {
  let ending: { readonly isComplete: boolean } | undefined;
  const listener = await startCallerPort(context, SECURE, (exchange) => {
    exchange.onClose = (isComplete) => (ending ??= { isComplete });
    onExchange(exchange);
  });
  const { port } = listener.address;
  const caller = await FrameCaller.connect({ port, ca: authority.caPem, token: 'x' });
  context.after(() => caller.close());
  return {
    caller,
    isClosed: () => ending !== undefined,
    closed: async (whileWaiting) => {
      const { isComplete } = await waitFor('the exchange to close', () => {
        whileWaiting?.();
        return ending;
      });
      return isComplete;
    },
  };
}

/** Lets the other side send so much more on stream 1 and on the connection. */
function windowOf(bytes: number): Buffer {
  const setting = Buffer.alloc(6);
  setting.writeUInt16BE(4, 0); // SETTINGS_INITIAL_WINDOW_SIZE
  setting.writeUInt32BE(bytes, 2);
  const more = Buffer.alloc(4);
  more.writeUInt32BE(bytes);
  return Buffer.concat([
    frame(FrameType.settings, 0, 0, setting),
    frame(FrameType.windowUpdate, 0, 0, more),
  ]);
}

function data(text: string): Buffer {
  return frame(FrameType.data, 0, 1, Buffer.from(text));
}

function bytesOf(caller: FrameCaller): number {
  const bodies = caller.ofStream.filter(({ type }) => type === 'data');
  return bodies.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
