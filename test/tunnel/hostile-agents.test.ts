import assert from 'node:assert/strict';
import * as tls from 'node:tls';
import { after, before, describe, it } from 'node:test';
import type { Frame } from '../../shared/protocol/frame.js';
import { agentSessions } from '../harness/agent-sessions.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { MemoryWatch } from '../harness/process-memory.js';
import { helloFrame, RawAgent } from '../harness/raw-agent.js';
import { RawLink } from '../harness/raw-link.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';
import { encodeBatch } from '../harness/encoded-batch.js';

const CONNECT_TIMEOUT_MS = 1500;

/** An open by the agent, which the controller has no service for. */
function open(stream: number): Frame {
  return {
    kind: 'open',
    stream,
    window: 262_144,
    service: { type: 'generic', name: 'none' },
    method: 'GET',
    target: '/',
    headers: [],
    ended: true,
    upgrade: false,
  };
}

describe('an agent with a valid certificate that breaks the protocol', { timeout: 150_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let caller: ServiceCaller;
  let honest: string[];

  before(async () => {
    target = await WebTarget.start();
    rig = await FairleadRig.start({
      controller: { limits: { connectTimeoutMs: CONNECT_TIMEOUT_MS, agentWaitMs: 0 } },
    });
    await rig.startAgent({ services: [target.service()] });
    caller = new ServiceCaller(rig);
    honest = await agentSessions(rig, 'prod');
  });

  after(async () => {
    caller.close();
    await rig.stop();
    await target.close();
  });

  /** The others have noticed nothing. */
  async function assertUndisturbed(): Promise<void> {
    const outcome = await caller.call('/ok');
    assert.equal(outcome.status, 200);
    assert.deepEqual(await agentSessions(rig, 'prod'), honest);
    assert.equal(rig.controller.process.exitCode, null);
  }

  async function refusedByTransport(reason: RegExp): Promise<void> {
    await rig.controller.line(
      (line) => line['msg'] === 'agent call refused' && reason.test(String(line['reason'])),
    );
  }

  const violations: { what: string; frames: (Frame | Buffer)[]; reason: RegExp }[] = [
    {
      what: 'bytes that are no batch',
      frames: [Buffer.from('ffffffffffffffff', 'hex')],
      reason: /./u,
    },
    {
      what: 'a message cut in the middle',
      frames: [encodeBatch([open(1)]).subarray(0, 9)],
      reason: /./u,
    },
    {
      what: 'a kind of frame that does not exist',
      frames: [Buffer.from('0a03da0600', 'hex')],
      reason: /unknown session frame/u,
    },
    {
      what: 'a kind of stream frame that does not exist',
      frames: [Buffer.from('0a050801da0600', 'hex')],
      reason: /unknown stream frame/u,
    },
    {
      what: 'streams opened out of order',
      frames: [open(5), open(3)],
      reason: /stream 3 opened out of order/u,
    },
    {
      what: "a stream with one of the controller's numbers",
      frames: [open(2)],
      reason: /stream 2 opened out of order/u,
    },
    {
      what: 'an answer on a stream that nobody opened',
      frames: [{ kind: 'head', stream: 2, status: 200, reason: '', headers: [], ended: true }],
      reason: /head for unknown stream 2/u,
    },
    {
      what: 'data on a stream that nobody opened',
      frames: [{ kind: 'data', stream: 77, bytes: Buffer.from('x') }],
      reason: /data for unknown stream 77/u,
    },
    { what: 'a second hello', frames: [helloFrame()], reason: /hello after the handshake/u },
    {
      what: 'a welcome, which only controllers send',
      frames: [
        {
          kind: 'welcome',
          version: 1,
          capabilities: [],
          build: '',
          session: '',
          services: [],
          window: 1,
        },
      ],
      reason: /welcome after the handshake/u,
    },
    {
      what: 'heartbeats without end',
      frames: Array.from({ length: 5000 }, (_, id): Frame => ({ kind: 'ping', id: id + 1 })),
      reason: /session frames without end/u,
    },
    {
      what: 'answers to heartbeats that were not sent, without end',
      frames: Array.from({ length: 5000 }, (_, id): Frame => ({
        kind: 'pong',
        id: id + 1_000_000,
      })),
      reason: /without end/u,
    },
    {
      what: 'news of its services without end',
      frames: Array.from({ length: 5000 }, (): Frame => ({ kind: 'services', services: [] })),
      reason: /session frames without end/u,
    },
    {
      what: 'a header without a value',
      frames: [{ ...open(1), headers: ['name'] } as Frame],
      reason: /header has no value/u,
    },
    {
      what: 'more headers than there may be',
      frames: [{ ...open(1), headers: Array.from({ length: 5000 }, () => 'x') } as Frame],
      reason: /too many headers/u,
    },
  ];
  for (const { what, frames, reason } of violations) {
    it(`loses its session with a reason, and nobody else notices: ${what}`, async () => {
      const rogue = await RawAgent.connect(rig);
      const welcome = await rogue.frame('welcome');
      for (const one of frames) {
        if (Buffer.isBuffer(one)) rogue.sendBytes(one);
        else rogue.send(one);
      }
      const ending = await rogue.ended();
      assert.match(ending, /PROTOCOL_VIOLATION/u);
      assert.match(ending, reason);
      const logged = await rig.controller.line(
        (line) => line['msg'] === 'agent disconnected' && line['sessionId'] === welcome.session,
      );
      assert.equal(logged['code'], 'PROTOCOL_VIOLATION');
      assert.match(String(logged['reason']), reason);
      rogue.destroy();
      await assertUndisturbed();
    });
  }

  it('loses its session with a reason, and nobody else notices: a body beyond its credit', async () => {
    const rogue = await RawAgent.connect(rig);
    await rogue.frame('welcome');
    rogue.onFrame = (frame) => {
      if (frame.kind !== 'open') return;
      const { stream, window } = frame;
      const bytes = Buffer.alloc(65_536);
      const pieces = Array.from({ length: window / bytes.length + 1 }, (): Frame => ({
        kind: 'data',
        stream,
        bytes,
      }));
      const head: Frame = {
        kind: 'head',
        stream,
        status: 200,
        reason: '',
        headers: [],
        ended: false,
      };
      rogue.send(head, ...pieces);
    };
    const toRogue = new ServiceCaller(rig, { route: 'rogue/generic/raw' });
    assert.equal((await toRogue.call('/')).isWhole, false);
    assert.match(await rogue.ended(), /PROTOCOL_VIOLATION.*data sent without credit/su);
    toRogue.close();
    rogue.destroy();
    await assertUndisturbed();
  });

  it('a message over 1 MiB, which is not even read', async () => {
    const rogue = await RawAgent.connect(rig);
    const welcome = await rogue.frame('welcome');
    rogue.sendBytes(Buffer.alloc(3 << 20));
    assert.match(await rogue.ended(), /larger than max|RESOURCE_EXHAUSTED|over the limit/iu);
    await rig.controller.line(
      (line) => line['msg'] === 'agent disconnected' && line['sessionId'] === welcome.session,
    );
    await refusedByTransport(/message larger than max \(3145728 vs 1048576\)/u);
    rogue.destroy();
    await assertUndisturbed();
  });

  it('a hundred thousand streams: each is refused, callers are served meanwhile, and memory stays', async () => {
    const rogue = await RawAgent.connect(rig);
    const memory = new MemoryWatch([rig.controller.pid]);
    let resets = 0;
    rogue.onFrame = (frame) => {
      if (frame.kind === 'reset') resets++;
      rogue.frames.length = 0;
    };
    const count = 100_000;
    let slowestMs = 0;
    let isOver = false;
    const probe = (async (): Promise<void> => {
      while (!isOver) {
        const outcome = await caller.call('/ok');
        assert.equal(outcome.status, 200);
        slowestMs = Math.max(slowestMs, outcome.ms);
      }
    })();
    for (let i = 0; i < count; i += 1000) {
      rogue.send(...Array.from({ length: 1000 }, (_, n) => open((i + n) * 2 + 1)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await waitFor('the answers', () => resets === count || rogue.ending !== undefined);
    isOver = true;
    await probe;
    const grownMiB = Math.round(memory.stop()[0] ?? 0);
    console.log(
      `# ${resets} of ${count} streams refused, slowest request meanwhile ${Math.round(slowestMs)} ms, ${grownMiB} MiB more`,
    );
    assert.ok(grownMiB < 100, `${grownMiB} MiB more`);
    rogue.destroy();
    await assertUndisturbed();
  });

  it('streams without end while it reads no answer: given up before memory is', async () => {
    const rogue = await RawAgent.connect(rig);
    const welcome = await rogue.frame('welcome');
    const memory = new MemoryWatch([rig.controller.pid]);
    rogue.pause();
    let stream = 1;
    const isGone = (): boolean =>
      rig.controller.lines.some(
        (line) => line.includes('agent disconnected') && line.includes(welcome.session),
      );
    for (let i = 0; i < 5000 && !isGone(); i++) {
      rogue.send(...Array.from({ length: 500 }, () => open((stream += 2))));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // it answers no ping, either: limits.heartbeatTimeoutMs is 25 s
    await waitFor('the end of the session', isGone, 40_000);
    const grownMiB = Math.round(memory.stop()[0] ?? 0);
    console.log(`# given up after about ${stream / 2} streams, ${grownMiB} MiB more`);
    assert.ok(grownMiB < 150, `${grownMiB} MiB more`);
    rogue.destroy();
    await assertUndisturbed();
  });

  it('a handshake that never comes to an end is cut off after limits.connectTimeoutMs', async () => {
    const silent = await RawAgent.dial(rig);
    const pinging = await RawAgent.dial(rig);
    const startedAt = performance.now();
    const timer = setInterval(() => pinging.send({ kind: 'ping', id: 1 }), 100);
    const endings = await Promise.all([silent.ended(), pinging.ended()]);
    clearInterval(timer);
    for (const ending of endings) assert.match(ending, /no complete handshake in time/u);
    assert.ok(performance.now() - startedAt < CONNECT_TIMEOUT_MS + 3000);
    silent.destroy();
    pinging.destroy();
    await assertUndisturbed();
  });

  it('a stream before its hello', async () => {
    const rogue = await RawAgent.dial(rig);
    rogue.send(open(1));
    assert.match(await rogue.ended(), /PROTOCOL_VIOLATION: stream opened before the handshake/u);
    rogue.destroy();
    await assertUndisturbed();
  });

  it('a call to a method that does not exist, by a stranger, whatever its path is', async () => {
    for (const path of ['/x.Y/Z', '/x.Y/%zz', `/x/${'\u00e9%'.repeat(200)}`]) {
      const link = await RawLink.dial(rig);
      const stream = link.call({ ':path': encodeURI(path).replaceAll('%25', '%') });
      stream.resume();
      const seen = rig.controller.lines.length;
      await new Promise((resolve) => stream.end().on('close', resolve));
      await rig.controller.until(() =>
        rig.controller.lines.slice(seen).some((line) => line.includes('agent call refused')),
      );
      link.destroy();
    }
    await assertUndisturbed();
  });

  it('connections that carry no call are closed in the end', async () => {
    const sockets = Array.from({ length: 5 }, () =>
      tls.connect({
        port: rig.ports.agents,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ALPNProtocols: ['h2'],
      }),
    );
    let closed = 0;
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('close', () => closed++);
      socket.resume();
    }
    await waitFor('the end of the connections', () => closed === sockets.length, 30_000);
    await assertUndisturbed();
  });
});
