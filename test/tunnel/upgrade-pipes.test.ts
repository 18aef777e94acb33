/**
 * After a switch of protocol the tunnel is a pipe of raw bytes: what came with the handshake belongs to
 * it, each side may end its half alone, and nothing is lost, added or reordered. Websocket-style GET and
 * SPDY-style POST.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Duplex } from 'node:stream';
import { MemoryWatch, oneDecimal } from '../harness/process-memory.js';
import { bodyHash, heldBack, writeBody } from '../harness/scripted-target.js';
import type { TargetSwitch } from '../harness/scripted-target.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, http2Status, RawCaller } from '../harness/slow-caller.js';
import type { CallerRequest } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const MIB = 1024 ** 2;

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start();
});
after(async () => rig.stop());

const STYLES = {
  'a websocket (GET)': { method: 'GET', protocol: 'websocket' },
  'SPDY (POST)': { method: 'POST', protocol: 'SPDY/3.1' },
} as const;

for (const [style, { method, protocol }] of Object.entries(STYLES)) {
  const request: CallerRequest = {
    path: '/exec?command=sh',
    method,
    headers: ['Connection: Upgrade', `Upgrade: ${protocol}`],
  };

  describe(`an upgrade to ${style}`, () => {
    test('keeps the bytes that came with the handshake, on both sides', async () => {
      const { caller, target } = await open(
        { ...request, first: Buffer.from('early bird') },
        'hello',
      );
      await waitFor('the early bytes at the target', () => target.text === 'early bird');
      await waitFor('the early bytes at the caller', () => caller.text.endsWith('\r\n\r\nhello'));
      const upgrade = new RegExp(`^HTTP/1\\.1 101 [\\s\\S]*\\r\\nUpgrade: ${protocol}\\r\\n`, 'i');
      assert.match(caller.text, upgrade);
      assert.match(caller.text, /\r\nConnection: Upgrade\r\n/i);
      assert.equal(target.request.headers.upgrade, protocol);
      assert.equal(target.request.method, method);
      caller.socket.end();
      target.socket.end();
      assert.equal(await caller.ended, 'end');
      await rig.settled();
    });

    test('lets the caller end its half and read on', async () => {
      const { caller, target } = await open(request);
      caller.socket.end('last words');
      await waitFor('the end at the target', () => target.isEnded);
      assert.equal(target.text, 'last words');
      for (let i = 0; i < 3; i++) {
        target.socket.write(`still ${i}\n`);
        await waitFor('bytes after the half-close', () => caller.text.endsWith(`still ${i}\n`));
      }
      target.socket.end('bye');
      assert.equal(await caller.ended, 'end');
      assert.ok(caller.text.endsWith('bye'));
      await rig.settled();
    });

    test('lets the target end its half and read on', async () => {
      const { caller, target } = await open(request);
      target.socket.end('last words');
      await waitFor('the end at the caller', () => caller.socket.readableEnded);
      assert.ok(caller.text.endsWith('last words'));
      for (let i = 0; i < 3; i++) {
        caller.socket.write(`still ${i}\n`);
        await waitFor('bytes after the half-close', () => target.text.endsWith(`still ${i}\n`));
      }
      caller.socket.end('bye');
      await waitFor('the end at the target', () => target.isEnded);
      assert.ok(target.text.endsWith('bye'));
      await rig.settled();
    });

    test('carries 50 MB each way at once, byte for byte', async (t) => {
      const bytes = 50_000_000;
      const { caller, target } = await open(request);
      const memory = new MemoryWatch(rig.pids);
      target.isKeeping = false;
      caller.isKeeping = false;
      const start = performance.now();
      const atTarget = hashOf(target.socket);
      const atCaller = createHash('sha256');
      caller.onBytes = (piece) => atCaller.update(piece);
      const head = caller.received;
      await Promise.all([
        writeBody(caller.socket, bytes).then(() => caller.socket.end()),
        writeBody(target.socket, bytes).then(() => target.socket.end()),
        caller.ended,
        waitFor('the end at the target', () => target.isEnded, 60_000),
      ]);
      const seconds = (performance.now() - start) / 1000;
      assert.equal(caller.received - head, bytes);
      assert.equal(atCaller.digest('hex'), bodyHash(bytes));
      assert.equal(atTarget.digest('hex'), bodyHash(bytes));
      const grown = memory.stop();
      t.diagnostic(
        `${oneDecimal((2 * bytes) / MIB / seconds)} MiB/s; grown by ${grown.map(oneDecimal).join(' MiB (controller), ')} MiB (agent)`,
      );
      await rig.settled();
    });

    test('that is refused has its refusal relayed with its body, and the connection ends', async () => {
      rig.target.onSwitch = ({ socket }) => {
        socket.end('HTTP/1.1 403 Forbidden\r\nX-Why: policy\r\nContent-Length: 9\r\n\r\nnot today');
      };
      const caller = await RawCaller.ask(rig.identity, request);
      await waitFor('the body', () => caller.text.endsWith('\r\n\r\nnot today'));
      assert.match(caller.text, /^HTTP\/1\.1 403 Forbidden\r\n/);
      assert.match(caller.text, /\r\nX-Why: policy\r\n/);
      // the caller never closes its side: the connection must not stay for that
      await rig.settled();
      caller.leave();
    });

    for (const who of ['caller', 'target'] as const) {
      test(`that the ${who} breaks is broken at the other end`, async () => {
        const { caller, target } = await open(request, 'hello');
        await waitFor('the switch', () => caller.text.endsWith('hello'));
        if (who === 'caller') {
          const broken = new Promise((resolve) => target.socket.once('error', resolve));
          caller.breakOff();
          assert.equal(((await broken) as NodeJS.ErrnoException).code, 'ECONNRESET'); // what sockets emit
        } else {
          target.request.socket.resetAndDestroy();
          assert.equal(await caller.ended, 'reset');
        }
        await rig.settled();
      });
    }
  });
}

describe('an upgraded connection', () => {
  const request: CallerRequest = {
    path: '/exec',
    method: 'POST',
    headers: ['Connection: Upgrade', 'Upgrade: SPDY/3.1'],
  };

  test('whose caller stops reading holds the target back, and the other way round', async (t) => {
    const { caller, target } = await open(request);
    caller.stop();
    let written = 0;
    void writeBody(target.socket, 1024 * MIB, (total) => (written = total));
    const toCaller = await heldBack(() => written);
    // the other direction is free
    caller.socket.write('still here');
    await waitFor('bytes the other way', () => target.text === 'still here');
    target.socket.pause();
    let sent = 0;
    void writeBody(caller.socket, 1024 * MIB, (total) => (sent = total));
    const toTarget = await heldBack(() => sent);
    t.diagnostic(
      `held back after ${oneDecimal(toCaller / MIB)} MiB to the caller, ${oneDecimal(toTarget / MIB)} MiB to the target`,
    );
    for (const bytes of [toCaller, toTarget]) assert.ok(bytes < 48 * MIB);
    target.request.socket.resetAndDestroy();
    caller.leave();
    await rig.settled();
  });

  test('whose target ended first still brings it the last bytes of a caller that ended and left', async () => {
    const bytes = 24 * MIB;
    const { caller, target } = await open(request);
    target.isKeeping = false;
    target.socket.pause();
    target.socket.end();
    await waitFor('the end at the caller', () => caller.socket.readableEnded);
    let sent = 0;
    const writing = writeBody(caller.socket, bytes, (total) => (sent = total));
    await heldBack(() => sent);
    // from here on bytes wait in the tunnel until the end
    const arrived = hashOf(target.socket);
    target.socket.resume();
    await writing;
    caller.socket.end();
    await waitFor('the end at the target', () => target.isEnded);
    assert.equal(arrived.digest('hex'), bodyHash(bytes));
    await rig.settled();
  });

  test('is made over TLS without ALPN, and over TLS with HTTP/1.1 chosen by ALPN', async () => {
    for (const alpn of [undefined, ['http/1.1']]) {
      const taking = rig.target.takeSwitch();
      const caller = await RawCaller.connect(rig.identity, alpn);
      assert.equal(caller.socket.alpnProtocol, alpn === undefined ? false : 'http/1.1');
      caller.send(rig.identity, request);
      const { socket } = await taking;
      socket.write(SWITCHED);
      await waitFor('the switch', () => caller.text.includes(' 101 '));
      caller.leave();
      await waitFor('the break at the target', () => socket.destroyed || socket.readableEnded);
      socket.destroy();
    }
    await rig.settled();
  });

  test('cannot be made over HTTP/2, where an Upgrade header is not allowed: the request is an ordinary one', async () => {
    rig.target.on.set('/exec', ({ request: { headers }, response }) => {
      response.end(`upgrade: ${headers.upgrade ?? 'none'}`);
    });
    const caller = await Http2Caller.connect(rig.identity);
    const stream = caller.open('/exec');
    let text = '';
    stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
    assert.equal(await http2Status(stream), 200);
    await waitFor('the answer', () => text === 'upgrade: none');
    caller.close();
    await rig.settled();
  });

  test('whose caller ends its connection before the answer is given up at the target', async () => {
    const taking = rig.target.takeSwitch();
    const caller = await RawCaller.ask(rig.identity, request);
    const { socket } = await taking;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    socket.on('end', () => socket.end());
    caller.socket.end();
    const start = performance.now();
    await closed;
    assert.ok(performance.now() - start < 5000);
    caller.leave();
    await rig.settled();
  });
});

const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n';

/** The target's end of a pipe. */
class TargetEnd {
  readonly request: TargetSwitch['request'];
  readonly socket: Duplex;
  isKeeping = true;
  isEnded = false;
  text = '';

  constructor({ request, socket, first }: TargetSwitch) {
    this.request = request;
    this.socket = socket;
    this.text = first.toString('latin1');
    socket.on('data', (bytes: Buffer) => {
      if (this.isKeeping) this.text += bytes.toString('latin1');
    });
    socket.on('end', () => (this.isEnded = true));
  }
}

/** Opens a pipe; `hello` goes with the target's answer in one packet. */
async function open(
  request: CallerRequest,
  hello = '',
): Promise<{ caller: RawCaller; target: TargetEnd }> {
  const taking = rig.target.takeSwitch();
  const caller = await RawCaller.ask(rig.identity, request);
  const target = new TargetEnd(await taking);
  const protocol = target.request.headers.upgrade ?? '';
  target.socket.write(SWITCHED.replace('SPDY/3.1', protocol) + hello);
  await waitFor('the switch', () => caller.text.includes('\r\n\r\n'));
  return { caller, target };
}

function hashOf(socket: Duplex): ReturnType<typeof createHash> {
  const hash = createHash('sha256');
  socket.on('data', (bytes: Buffer) => hash.update(bytes));
  return hash;
}
