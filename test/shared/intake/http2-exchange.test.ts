/**
 * Streams that end out of turn, as exchanges of the port for callers show them: each is over and is not
 * complete, whatever was held back or under way.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { CallerExchange } from '../../../shared/intake/caller-exchange.js';
import { testAuthority } from '../../controller/certificates/test-authority.js';
import { startCallerPort } from '../../harness/caller-port.js';
import { Flag, FrameCaller, FrameType, frame, resetFrame } from '../../harness/h2-frames.js';
import { waitFor } from '../../harness/wait-for.js';

const authority = testAuthority();
const { certPem: cert, keyPem: key } = await authority.issueServerCertificate(['localhost']);
const SECURE = { cert, key, ca: authority.caPem };
const HEAD = { status: 200, reason: '', headers: [], ended: false };
const NO_ERROR = 0;
const CANCEL = 8;
const CLOSED_STREAM_LOOK_MS = 30_000;
/** More than the window of a caller that gives no more. */
const LARGE = Buffer.alloc(1024 * 1024);

for (const code of [NO_ERROR, CANCEL]) {
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
    });

    test('is not answered any more', async (context) => {
      let exchange: CallerExchange | undefined;
      const { caller, closed } = await open(context, (given) => (exchange = given));
      await caller.send(caller.request(1, '/', Flag.endHeaders), data('one'));
      await waitFor('the request', () => exchange);
      await caller.send(resetFrame(1, code));
      await closed();
      exchange?.sendInformational(103, []);
      exchange?.sendHead(HEAD);
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

/** A caller, and the end of its exchange: whether it was complete. */
interface Opened {
  readonly caller: FrameCaller;
  closed(whileWaiting?: () => void): Promise<boolean>;
}

async function open(
  context: TestContext,
  onExchange: (exchange: CallerExchange) => void,
): Promise<Opened> {
  let ending: { readonly isComplete: boolean } | undefined;
  const listener = await startCallerPort(context, SECURE, (exchange) => {
    exchange.onClose = (isComplete) => (ending = { isComplete });
    onExchange(exchange);
  });
  const { port } = listener.address;
  const caller = await FrameCaller.connect({ port, ca: authority.caPem, token: 'x' });
  context.after(() => caller.close());
  return {
    caller,
    closed: async (whileWaiting) => {
      const { isComplete } = await waitFor('the exchange to close', () => {
        whileWaiting?.();
        return ending;
      });
      return isComplete;
    },
  };
}

function data(text: string): Buffer {
  return frame(FrameType.data, 0, 1, Buffer.from(text));
}

function bytesOf(caller: FrameCaller): number {
  const bodies = caller.ofStream.filter(({ type }) => type === 'data');
  return bodies.reduce((sum, { bytes }) => sum + bytes.length, 0);
}
