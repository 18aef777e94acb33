/**
 * An upload over HTTP/2 that is cut must not look whole to the target, however it is cut: nothing but its
 * end tells how long it is (no Content-Length), and half an artifact would be stored as one.
 */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Flag, FrameCaller, FrameType, frame, resetFrame } from '../harness/h2-frames.js';
import { ServiceRig } from '../harness/service-rig.js';
import { waitFor } from '../harness/wait-for.js';

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

/** Ways in which a caller ends before its body does. */
const WAYS: Readonly<Record<string, (caller: FrameCaller) => Promise<void> | void>> = {
  'by a reset of the stream: CANCEL': (caller) => caller.send(resetFrame(1, NGHTTP2_CANCEL)),
  // Node ends such a stream as if it were whole; the others are here so that they stay cut
  'by a reset of the stream: NO_ERROR': (caller) => caller.send(resetFrame(1, NGHTTP2_NO_ERROR)),
  'by a reset of the stream: INTERNAL_ERROR': (caller) =>
    caller.send(resetFrame(1, NGHTTP2_INTERNAL_ERROR)),
  'by the end of the connection': (caller) => caller.close(),
  'by a reset of the connection': (caller) => caller.reset(),
  'by GOAWAY and the end of the connection': async (caller) => {
    await caller.send(goAwayFrame());
    caller.close();
  },
  'by GOAWAY and a reset of the connection': async (caller) => {
    await caller.send(goAwayFrame());
    caller.reset();
  },
  'by GOAWAY that names an error': (caller) => caller.send(goAwayFrame(NGHTTP2_INTERNAL_ERROR)),
};

describe('an upload over HTTP/2', { timeout: 120_000 }, () => {
  let rig: ServiceRig;
  before(async () => (rig = await ServiceRig.start()));
  after(async () => rig.stop());

  for (const [way, cut] of Object.entries(WAYS)) {
    test(`that is cut ${way} does not look whole to the target`, async (context) => {
      const { caller, upload } = await halfAnUpload(context);
      await cut(caller);
      await assertCut(upload);
    });
  }

  test('that is cut by the whole answer of the target does not look whole to it', async (context) => {
    const { caller, upload, response } = await halfAnUpload(context);
    response.end('enough');
    await waitFor('the answer', () => caller.ofStream.some(({ endStream }) => endStream));
    await assertCut(upload);
  });

  test('that ends is whole to the target', async (context) => {
    const { caller, upload, response } = await halfAnUpload(context);
    await caller.send(frame(FrameType.data, Flag.endStream, 1, Buffer.from('rest')));
    await waitFor('the end of the upload', () => upload.request.complete);
    assert.equal(upload.received, 'halfrest');
    response.end('stored');
    await waitFor('the answer', () => caller.ofStream.some(({ endStream }) => endStream));
    await rig.settled();
  });

  /** A caller that has sent half a body, which the target has read. */
  async function halfAnUpload(context: TestContext): Promise<HalfAnUpload> {
    const taking = rig.target.take('/artifact');
    const caller = await FrameCaller.connect(rig.identity);
    context.after(() => caller.close());
    await caller.send(
      caller.request(1, '/artifact', Flag.endHeaders, 'POST'),
      frame(FrameType.data, 0, 1, Buffer.from('half')),
    );
    const { request, response } = await taking;
    const upload = new Upload(request);
    await waitFor('the first half at the target', () => upload.received === 'half');
    return { caller, upload, response };
  }

  async function assertCut(upload: Upload): Promise<void> {
    await waitFor('the end of the request at the target', () => upload.isOver);
    assert.equal(upload.request.complete, false, 'the target took half a body for the whole');
    await rig.settled();
  }
});

/** The caller's and the target's side. */
interface HalfAnUpload {
  readonly caller: FrameCaller;
  readonly upload: Upload;
  readonly response: ServerResponse;
}

/** An upload as it comes to the target. */
class Upload {
  readonly request: IncomingMessage;
  received = '';
  isOver = false;

  constructor(request: IncomingMessage) {
    this.request = request;
    request.on('data', (bytes: Buffer) => (this.received += bytes.toString()));
    // no `close` of the request comes once it is answered
    for (const one of [request, request.socket]) one.on('close', () => (this.isOver = true));
  }
}

/** The caller has seen no stream of ours. */
function goAwayFrame(code: number = NGHTTP2_NO_ERROR): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(code, 4);
  return frame(FrameType.goAway, 0, 0, payload);
}
