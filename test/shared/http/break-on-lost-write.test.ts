/**
 * Connections that are reset between the read of a turn and its two writes: Node does not hear of it. The tested end
 * and the network share the process of the test: only so a reset falls there each time. And one that is merely
 * slow, which must not be taken for lost.
 */
import assert from 'node:assert/strict';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import * as tls from 'node:tls';
import { dialController } from '../../../agent/controller-link/controller-dial.js';
import { startTunnelServer } from '../../../controller/agents/tunnel-server.js';
import { systemClock } from '../../../shared/clock.js';
import { LOST_WRITE_LOOK_MS } from '../../../shared/http/break-on-lost-write.js';
import { agentName } from '../../../shared/ids.js';
import { silentLog } from '../../../shared/log.js';
import { testAuthority } from '../../controller/certificates/test-authority.js';
import { startCallerPort } from '../../harness/caller-port.js';
import { LossyLink } from '../../harness/lossy-link.js';
import { CALL_HEADERS } from '../../harness/raw-link.js';
import { waitFor } from '../../harness/wait-for.js';

const authority = testAuthority();
const { certPem: cert, keyPem: key } = await authority.issueServerCertificate(['localhost']);
const agent = await authority.issue({ purpose: 'agent', agent: agentName('prod') });
const SECURE = { cert, key, ca: authority.caPem };
/** An empty gRPC message. */
const MESSAGE = Buffer.alloc(5);
const HEAD = { status: 200, reason: '', headers: [], ended: false };
const PIECE = Buffer.alloc(1024 * 1024);
/** In sum more than the buffers of a kernel may grow to. */
const BODY_PIECES = 128;
const BODY_BYTES = BODY_PIECES * PIECE.length;

describe('a connection that is reset between a read and two writes', () => {
  it('ends the call of an agent', async (context) => {
    const controller = http2.createSecureServer(SECURE);
    controller.on('stream', (stream) => {
      stream.on('error', () => undefined);
      stream.respond({ 'content-type': 'application/grpc' });
      stream.write(MESSAGE);
    });
    await new Promise<void>((resolve) => controller.listen(0, '127.0.0.1', resolve));
    context.after(() => controller.close());
    const { port } = controller.address() as AddressInfo; // no pipe
    const link = await network(context, port);

    const { certPem, keyPem } = agent;
    const identity = { caPem: authority.caPem, certPem, keyPem, serverName: 'localhost' };
    const { call, destroy } = dialController({ host: '127.0.0.1', port: link.port }, identity);
    context.after(destroy);
    const breach = new Breach(link);
    let ending: string | undefined;
    call.on('error', ({ message }) => {
      ending = message;
      breach.noteFound();
    });
    call.once('data', () => {
      breach.cut();
      call.write(MESSAGE);
      call.write(MESSAGE);
    });
    await breach.foundByLook();
    assert.match(String(ending), /UNAVAILABLE.*found late/);
  });

  it('ends the call that an agent has made', async (context) => {
    const controller = await startTunnelServer({
      port: 0,
      bindAddress: '127.0.0.1',
      tls: SECURE,
      connectTimeoutMs: 600_000,
      clock: systemClock,
      log: silentLog(),
      onCall: (call) => {
        call.on('error', () => undefined);
        call.on('cancelled', () => breach.noteFound());
        call.once('data', () => {
          breach.cut();
          call.write(MESSAGE);
          call.write(MESSAGE);
        });
      },
    });
    context.after(() => controller.close());
    const link = await network(context, controller.address.port);
    const breach = new Breach(link);
    const stream = connect(context, link.port).request(CALL_HEADERS);
    stream.on('error', () => undefined);
    stream.write(MESSAGE);
    await breach.foundByLook();
  });

  it('ends the request of a caller', async (context) => {
    const listener = await startCallerPort(context, SECURE, (exchange) => {
      exchange.onClose = () => breach.noteFound();
      breach.cut();
      exchange.sendHead(HEAD);
      exchange.sendData(MESSAGE, () => undefined);
      exchange.sendData(MESSAGE, () => undefined);
    });
    const link = await network(context, listener.address.port);
    const breach = new Breach(link);
    connect(context, link.port)
      .request({ ':path': '/' })
      .on('error', () => undefined);
    await breach.foundByLook();
  });
});

it('a connection whose peer reads nothing for three looks stays open', async (context) => {
  let isComplete: boolean | undefined;
  let written = 0;
  const listener = await startCallerPort(context, SECURE, (exchange) => {
    exchange.onClose = (complete) => (isComplete = complete);
    exchange.sendHead(HEAD);
    for (let i = 0; i < BODY_PIECES; i++) exchange.sendData(PIECE, () => written++);
    exchange.sendEnd([]);
  });
  const relay = await startRelay(context, listener.address.port);
  const session = connect(context, relay.port, { initialWindowSize: BODY_BYTES });
  session.on('connect', () => session.setLocalWindowSize(BODY_BYTES));
  const stream = session.request({ ':path': '/' });
  let received = 0;
  let isWhole = false;
  stream.on('error', () => undefined);
  stream.on('data', (bytes: Buffer) => (received += bytes.length));
  stream.once('data', () => relay.setReading(false));
  stream.on('end', () => (isWhole = true));
  await waitFor('the first bytes', () => received > 0);
  await delay(3 * LOST_WRITE_LOOK_MS); // what must not happen has no moment to wait for
  assert.ok(written < BODY_PIECES, 'the kernel took it all: nothing was tested');
  assert.equal(isComplete, undefined, 'the exchange ended although the peer had not read it');
  relay.setReading(true);
  await waitFor('the whole body', () => isWhole, 60_000);
  assert.equal(received, BODY_BYTES);
  assert.equal(await waitFor('the exchange to end', () => isComplete), true);
});

/** A cut of the network and when it was found. */
class Breach {
  readonly #link: LossyLink;
  #cutAtMs: number | undefined;
  #foundAtMs: number | undefined;

  constructor(link: LossyLink) {
    this.#link = link;
  }

  cut(): void {
    this.#cutAtMs = performance.now();
    this.#link.cut();
  }

  noteFound(): void {
    this.#foundAtMs ??= performance.now();
  }

  /** Waits until it is found, by a look and not by Node. */
  async foundByLook(): Promise<void> {
    await waitFor('the cut', () => this.#cutAtMs);
    await waitFor('the cut to be found', () => this.#foundAtMs);
    const afterMs = (this.#foundAtMs ?? 0) - (this.#cutAtMs ?? 0);
    assert.ok(
      afterMs > 0.9 * LOST_WRITE_LOOK_MS,
      `Node heard of the reset itself, ${afterMs} ms after the cut: nothing was tested`,
    );
  }
}

/** A network that can leave its far side unread, so that the kernel's buffers fill; LossyLink reads on. */
interface Relay {
  readonly port: number;
  setReading(isReading: boolean): void;
}

async function startRelay(context: TestContext, port: number): Promise<Relay> {
  const pairs: { readonly near: net.Socket; readonly far: net.Socket }[] = [];
  const server = net.createServer((near) => {
    const socket = net.connect(port, '127.0.0.1');
    for (const one of [near, socket]) one.on('error', () => undefined);
    near.pipe(socket);
    socket.pipe(near);
    pairs.push({ near, far: socket });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    for (const { near, far } of pairs) for (const one of [near, far]) one.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port, // no pipe
    setReading: (isReading) => {
      for (const { near, far } of pairs) {
        if (isReading) far.pipe(near);
        else far.unpipe(near).pause();
      }
    },
  };
}

async function network(context: TestContext, port: number): Promise<LossyLink> {
  const link = await LossyLink.start(port);
  context.after(async () => link.close());
  return link;
}

/** An HTTP/2 client over TLS. */
function connect(
  context: TestContext,
  port: number,
  settings: http2.Settings = {},
): http2.ClientHttp2Session {
  const { certPem, keyPem } = agent;
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.caPem,
    cert: certPem,
    key: keyPem,
    ALPNProtocols: ['h2'],
  });
  const session = http2.connect('https://localhost', {
    createConnection: () => socket,
    settings,
  });
  session.on('error', () => undefined);
  context.after(() => session.destroy());
  return session;
}
