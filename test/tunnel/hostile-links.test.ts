/**
 * Peers of the port for agents that do below the tunnel what no agent does: they take no answer, do not hang up,
 * compress, send to calls that nobody reads. What they send must not pile up, and they are got rid of.
 */
import assert from 'node:assert/strict';
import type { ClientHttp2Stream } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { encodeBatch } from '../harness/encoded-batch.js';
import { LossyLink } from '../harness/lossy-link.js';
import { MemoryWatch } from '../harness/process-memory.js';
import { helloFrame } from '../harness/raw-agent.js';
import { grpcMessage, RawLink } from '../harness/raw-link.js';
import type { RawLinkOptions } from '../harness/raw-link.js';
import { waitFor } from '../harness/wait-for.js';

const CONNECT_TIMEOUT_MS = 1500;
/** Each sends as much as a link may have on its way. */
const PEERS = 4;
const POURED_BYTES = 64 << 20;
const MAX_GROWN_MIB = 100;

describe('a peer of the port for agents', { timeout: 120_000 }, () => {
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
      const memory = new MemoryWatch([rig.controller.pid]);
      const links = await Promise.all(
        Array.from({ length: PEERS }, async () =>
          RawLink.dial(rig, { ...options, port: relay.port }),
        ),
      );
      for (const link of links) {
        const stream = link.call(headers);
        stream.write(first);
        pour(stream, POURED_BYTES);
      }
      await waitFor('the end of all connections', () => relay.open === 0);
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
    assert.ok(grownMiB < MAX_GROWN_MIB, `${grownMiB} MiB more`);
    link.destroy();
  });

  it('is told that a connection carries one call at a time', async () => {
    const link = await RawLink.dial(rig, { agent: 'twice' });
    assert.equal(link.session.remoteSettings.maxConcurrentStreams, 1);
    link.destroy();
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

function tooLarge(): Buffer {
  return grpcMessage(Buffer.alloc(3 << 20));
}
