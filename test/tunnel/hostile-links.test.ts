/**
 * Peers of the port for agents that do below the tunnel what no agent does: they take no answer, do not hang up,
 * compress, send to calls that nobody reads. What they send must not pile up, and they are got rid of.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import type { ClientHttp2Stream } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { CALL_END_MS } from '../../controller/agents/agent-connection.js';
import { LINGER_MS } from '../../shared/protocol/tunnel-rpc.js';
import { agentSessions } from '../harness/agent-sessions.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { encodeBatch } from '../harness/encoded-batch.js';
import {
  Flag,
  FrameCaller,
  FrameType,
  frame,
  headersFrame,
  resetFrame,
} from '../harness/h2-frames.js';
import { LossyLink } from '../harness/lossy-link.js';
import { MemoryWatch, untilIdle } from '../harness/process-memory.js';
import { helloFrame } from '../harness/raw-agent.js';
import { CALL_HEADERS, grpcMessage, RawLink } from '../harness/raw-link.js';
import type { RawLinkOptions } from '../harness/raw-link.js';
import { waitFor } from '../harness/wait-for.js';

const CONNECT_TIMEOUT_MS = 1500;
/** Each sends as much as a link may have on its way. */
const PEERS = 4;
const POURED_BYTES = 64 << 20;
/** What they send is 256; what passes through leaves garbage behind for a while. */
const MAX_GROWN_MIB = 150;
const PING = Buffer.from('fairlead');

describe('a peer of the port for agents', { timeout: 300_000 }, () => {
  let rig: FairleadRig;
  /** Sees which connections are there; a client of Node is not told of an end while it has bytes to send. */
  let relay: LossyLink;

  before(async () => {
    rig = await FairleadRig.start({
      controller: { limits: { connectTimeoutMs: CONNECT_TIMEOUT_MS, agentWaitMs: 0 } },
    });
    relay = await LossyLink.start(rig.ports.agents);
  });

  after(async () => {
    await relay.close();
    await rig.stop();
  });

  const hostile: {
    what: string;
    options?: RawLinkOptions;
    headers?: Record<string, string>;
    first: Buffer;
  }[] = [
    {
      what: 'takes no answer and never says hello',
      options: { settings: { initialWindowSize: 0 } },
      first: Buffer.alloc(0),
    },
    {
      what: 'takes no answer and sends what is no frame',
      options: { settings: { initialWindowSize: 0 } },
      first: grpcMessage(Buffer.from('ffffffffffffffff', 'hex')),
    },
    {
      what: 'is an agent, takes no answer and breaks the protocol',
      options: { settings: { initialWindowSize: 0 }, agent: 'rogue' },
      first: Buffer.concat([
        grpcMessage(encodeBatch([helloFrame()])),
        grpcMessage(Buffer.from('ffffffffffffffff', 'hex')),
      ]),
    },
    {
      what: 'is an agent and sends a message that is too large',
      options: { settings: { initialWindowSize: 0 }, agent: 'rogue' },
      first: Buffer.concat([grpcMessage(encodeBatch([helloFrame()])), tooLarge()]),
    },
    {
      what: 'calls what does not exist',
      headers: { ':path': '/x.Y/Z' },
      first: Buffer.alloc(0),
    },
    {
      what: 'speaks no gRPC',
      headers: { 'content-type': 'text/plain' },
      first: Buffer.alloc(0),
    },
  ];
  for (const { what, options, headers, first } of hostile) {
    it(`is got rid of, and what it sends does not pile up: ${what}`, async () => {
      const { pid } = rig.controller;
      await untilIdle([pid]);
      const memory = new MemoryWatch([pid]);
      const links = await Promise.all(
        Array.from({ length: PEERS }, async () => {
          const link = await RawLink.dial(rig, { ...options, port: relay.port });
          const stream = link.call(headers);
          stream.write(first);
          pour(stream, POURED_BYTES);
          return link;
        }),
      );
      await waitFor('the end of all connections', () => relay.open === 0, 60_000);
      for (const link of links) link.destroy();
      const grownMiB = Math.round(memory.stop()[0] ?? 0);
      console.log(`# ${grownMiB} MiB more at most`);
      assert.ok(grownMiB < MAX_GROWN_MIB, `${grownMiB} MiB more`);
      assert.equal(rig.controller.process.exitCode, null);
    });
  }

  it('may not compress: a message a thousand times larger than it looks is not unpacked', async () => {
    const bomb = grpcMessage(gzipSync(Buffer.alloc(512 << 20)), true); // half a MiB
    const link = await RawLink.dial(rig, { agent: 'bomber' });
    const memory = new MemoryWatch([rig.controller.pid]);
    const stream = link.call({ 'grpc-encoding': 'gzip' });
    const answered = new Promise<Record<string, unknown>>((resolve) =>
      stream.on('response', resolve),
    );
    stream.write(bomb);
    stream.resume();
    const head = await answered;
    assert.equal(head['grpc-status'], '12');
    assert.equal(head['grpc-message'], 'compressed messages are not accepted');
    await waitFor('the end of the call', () => stream.closed);
    await rig.controller.line(
      (line) =>
        line['msg'] === 'agent call refused' &&
        line['reason'] === 'compressed messages are not accepted',
    );
    const grownMiB = Math.round(memory.stop()[0] ?? 0);
    assert.ok(grownMiB < 100, `${grownMiB} MiB more`);
    assert.equal(rig.controller.process.exitCode, null);
    link.destroy();
  });

  for (const [what, headers] of Object.entries({
    'a call': {},
    'a call that compresses': { 'grpc-encoding': 'gzip' },
    'a call of what does not exist': { ':path': '/x.Y/Z' },
    'a call that is no gRPC': { 'content-type': 'text/plain' },
  })) {
    it(`may take back at once ${what}`, async () => {
      const { caPem: ca, ports } = rig;
      const caller = await FrameCaller.connect({ port: ports.agents, ca, token: '' });
      for (let id = 1; id < 100; id += 2) {
        await caller.send(callOf(id, headers), resetFrame(id, constants.NGHTTP2_CANCEL));
      }
      await caller.send(frame(FrameType.ping, 0, 0, PING));
      await waitFor('the answer to a ping', () =>
        caller.frames.some(({ bytes }) => bytes.equals(PING)),
      );
      caller.close();
      assert.equal(rig.controller.process.exitCode, null);
    });
  }

  it('has one call at a time on a connection, and another one after it', async () => {
    const link = await RawLink.dial(rig, { agent: 'second' });
    assert.equal(link.session.remoteSettings.maxConcurrentStreams, 1);
    const first = link.call();
    first.write(grpcMessage(Buffer.from('ffffffffffffffff', 'hex')));
    first.resume().end();
    await waitFor('the end of the first call', () => first.closed);
    const second = link.call();
    second.resume().write(grpcMessage(encodeBatch([helloFrame()])));
    await waitFor('the second', async () => (await agentSessions(rig, 'second')).length === 1);
    await delay(LINGER_MS + CALL_END_MS + 500); // what ends the first by force must find nothing to end
    assert.equal((await agentSessions(rig, 'second')).length, 1);
    link.destroy();
  });

  it('may take back a call and make another one', async () => {
    const link = await RawLink.dial(rig, { agent: 'again' });
    const first = link.call();
    await waitFor('the first call', () => !first.pending);
    first.resume().close(constants.NGHTTP2_CANCEL);
    await waitFor('the end of the first call', () => first.closed);
    link
      .call()
      .resume()
      .write(grpcMessage(encodeBatch([helloFrame()])));
    await waitFor('the second', async () => (await agentSessions(rig, 'again')).length === 1);
    link.destroy();
  });

  it('has no further call on the connection of an agent, whose windows are large', async () => {
    const link = await RawLink.dial(rig, { agent: 'last' });
    const call = link.call();
    call.resume().write(grpcMessage(encodeBatch([helloFrame()])));
    await waitFor('the session', async () => (await agentSessions(rig, 'last')).length === 1);
    const goaway = once(link.session, 'goaway'); // an idle connection ends without one
    call.close(constants.NGHTTP2_CANCEL);
    await goaway;
    link.destroy();
  });

  it('is who its own certificate says, although another one has the same address and port', async () => {
    const everywhere = await FairleadRig.start({
      controller: { bindAddress: '0.0.0.0', limits: { agentWaitMs: 0 } },
    });
    try {
      const one = await RawLink.dial(everywhere, { agent: 'one' });
      const { localPort } = one;
      const other = await RawLink.dial(everywhere, {
        agent: 'other',
        host: '127.0.0.2',
        localPort,
      });
      const calls = [one, other].map((link) => link.call());
      for (const call of calls) call.resume().write(grpcMessage(encodeBatch([helloFrame()])));
      for (const name of ['one', 'other']) {
        await waitFor(name, async () => (await agentSessions(everywhere, name)).length === 1);
      }
      one.destroy();
      await waitFor('the end', async () => (await agentSessions(everywhere, 'one')).length === 0);
      assert.equal((await agentSessions(everywhere, 'other')).length, 1);
      other.destroy();
    } finally {
      await everywhere.stop();
    }
  });
});

/** Sends until as much has left or the call is over. */
function pour(stream: ClientHttp2Stream, bytes: number): void {
  const piece = Buffer.alloc(65_536);
  let left = bytes;
  const next = (): void => {
    if (left <= 0 || stream.destroyed || stream.closed) return;
    left -= piece.length;
    stream.write(piece, (failed) => {
      if (failed === undefined || failed === null) next();
    });
  };
  next();
}

/** A HEADERS frame that opens a call and does not end it. */
function callOf(stream: number, changes: Readonly<Record<string, string>>): Buffer {
  const fields = { ':scheme': 'https', ':authority': 'localhost', ...CALL_HEADERS, ...changes };
  return headersFrame(stream, fields, Flag.endHeaders);
}

function tooLarge(): Buffer {
  return grpcMessage(Buffer.alloc(3 << 20));
}
