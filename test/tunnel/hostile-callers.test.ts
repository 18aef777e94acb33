/**
 * Callers that flood an HTTP/2 connection: each loses its connection with a reason in the log, and nobody
 * else notices. Slow and malformed requests: bad-input-requests.test.ts.
 */
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import {
  Flag,
  FrameCaller,
  FrameType,
  frame,
  literalField,
  resetFrame,
} from '../harness/h2-frames.js';
import { latencies, percentile } from '../harness/latency.js';
import { MemoryWatch, oneDecimal } from '../harness/process-memory.js';
import { ServiceRig } from '../harness/service-rig.js';
import { waitFor } from '../harness/wait-for.js';

/** Rounds of a flood before it is given up as not noticed. */
const MAX_ROUNDS = 2000;
const PER_ROUND = 200;

interface Flood {
  readonly what: string;
  /** What one round sends. */
  readonly frames: (caller: FrameCaller, round: number) => Buffer[];
  /** Sent before. */
  readonly first?: (caller: FrameCaller) => Buffer[];
  readonly isUnread?: boolean;
  readonly reason: RegExp;
}

const FLOODS: readonly Flood[] = [
  {
    what: 'streams that are reset as soon as they are open',
    frames: (caller, round) =>
      numbers(PER_ROUND).flatMap((i) => {
        const stream = (round * PER_ROUND + i) * 2 + 1;
        return [caller.request(stream, '/ok'), resetFrame(stream, http2.constants.NGHTTP2_CANCEL)];
      }),
    reason: /500 streams broken off within 30 s/u,
  },
  {
    what: 'a head continued without end',
    first: (caller) => [caller.request(1, '/ok', Flag.endStream)],
    frames: () =>
      numbers(PER_ROUND).map(() =>
        frame(FrameType.continuation, 0, 1, literalField('x-more', 'y'.repeat(100))),
      ),
    reason: /Too many CONTINUATION frames/u,
  },
  {
    what: 'pings whose answers it does not read',
    isUnread: true,
    frames: () => numbers(PER_ROUND).map(() => frame(FrameType.ping, 0, 0, Buffer.alloc(8))),
    reason: /Flooding was detected/u,
  },
  {
    what: 'settings whose acknowledgements it does not read',
    isUnread: true,
    frames: () => numbers(PER_ROUND).map(() => frame(FrameType.settings, 0, 0)),
    reason: /Flooding was detected/u,
  },
];

describe('a caller that floods its HTTP/2 connection', { timeout: 120_000 }, () => {
  let rig: ServiceRig;

  before(async () => {
    rig = await ServiceRig.start({
      controller: {
        limits: { callerIdleTimeoutMs: 2000, maxStreams: 200, maxStreamsPerSession: 200 },
      },
    });
    await rig.warmUp();
  });

  after(() => rig.stop());

  test('with data on a stream that is not open is cut off when it has been idle', async () => {
    const caller = await FrameCaller.connect(rig.identity);
    await caller.send(frame(FrameType.data, 0, 99, Buffer.from('stray')));
    await waitFor('the end of the connection', async () => {
      // Node reads on, and no frame keeps the connection
      await caller.send(frame(FrameType.ping, 0, 0, Buffer.alloc(8)));
      return caller.isClosed;
    });
    caller.close();
  });

  test('with refusals that it does not let out takes no room from others, and is cut off', async () => {
    const { port, ca } = rig.identity;
    const session = http2.connect(`https://localhost:${port}`, {
      ca,
      settings: { initialWindowSize: 0 },
    });
    session.on('error', () => undefined);
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    let closed = 0;
    for (let i = 0; i < 240; i++) {
      const stream = session.request({ ':path': '/x' });
      stream.on('error', () => undefined);
      stream.on('close', () => closed++);
      stream.resume();
    }
    await waitFor(
      'the streams',
      async () => (await rig.metrics('fairlead_streams_open'))[0] === 240,
    );
    assert.equal((await rig.ask('/ok')).status, 200);
    await waitFor('the end of the streams', () => closed === 240, 20_000);
    session.destroy();
    await rig.settled();
  });

  test('whose streams we break off ourselves is none: its connection lives on', async () => {
    const session = http2.connect(`https://localhost:${rig.identity.port}`, {
      ca: rig.identity.ca,
    });
    session.on('error', () => undefined);
    const headers = { ':path': '/watch', 'x-opsmx-token': rig.token };
    rig.target.on.set('/watch', ({ response }) => response.write('event\n'));
    for (let round = 0; round < 3; round++) {
      let heads = 0;
      let closed = 0;
      for (let i = 0; i < 200; i++) {
        const stream = session.request(headers);
        stream.on('error', () => undefined);
        stream.on('response', () => heads++);
        stream.on('close', () => closed++);
        stream.resume();
      }
      await waitFor('the watches', () => heads === 200);
      rig.target.cut();
      await waitFor('their end', () => closed === 200);
    }
    assert.equal(session.closed, false);
    session.destroy();
    await rig.settled();
  });

  for (const { what, frames, first, isUnread, reason } of FLOODS) {
    test(`with ${what} loses it with a reason, and nobody else notices`, async (t) => {
      const memory = new MemoryWatch(rig.pids);
      const seen = rig.fairlead.controller.lines.length;
      const caller = await FrameCaller.connect(rig.identity);
      if (first !== undefined) await caller.send(...first(caller));
      if (isUnread === true) caller.pause();
      const others = latencies(rig, 100);
      let round = 0;
      for (; round < MAX_ROUNDS && !isReported(); round++) {
        void caller.send(...frames(caller, round));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await waitFor('the end of the connection in the log', isReported);
      if (isUnread !== true) await waitFor('the end of the connection', () => caller.isClosed);
      caller.close();
      const slowest = percentile(await others, 100);
      await rig.settled();
      const grown = memory.stop();
      t.diagnostic(
        `closed after ${round} rounds; ${grown.map(oneDecimal).join(' and ')} MiB more; others within ${oneDecimal(slowest)} ms`,
      );
      assert.ok(Math.max(...grown) < 64, `${grown.join(', ')} MiB`);

      function isReported(): boolean {
        return rig.fairlead.controller.lines
          .slice(seen)
          .some((line) => line.includes('caller broke HTTP/2') && reason.test(line));
      }
    });
  }
});

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
