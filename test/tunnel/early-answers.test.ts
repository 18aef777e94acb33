/**
 * Answers that are there before the request body is: the caller reads them, whatever it still sends, and the
 * connection ends with them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { header } from '../harness/http-message.js';
import { RawClient } from '../harness/raw-http.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';

const BODY_BYTES = 8 * 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'x');

describe('an answer before the request body is complete', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: RecordingTarget;

  before(async () => {
    target = await RecordingTarget.start();
    const port = (name: string, destination: string) => ({
      name,
      port: 0,
      useHTTP: true,
      destination,
      serviceType: 'jenkins',
      destinationService: 'ci',
    });
    rig = await FairleadRig.start({
      controller: {
        limits: { maxTargetBytes: 1024, agentWaitMs: 0 },
        services: { incomingServices: [port('fixed', 'prod'), port('nobody', 'absent')] },
      },
    });
    const url = `http://127.0.0.1:${target.port}`;
    const service = { enabled: true, type: 'jenkins', name: 'ci', config: { url } };
    await rig.startAgent({ services: [service] });
  });

  after(async () => {
    await rig.stop();
    await target.close();
  });

  beforeEach(() => target.forget());

  async function connect(name: string): Promise<RawClient> {
    const line = await rig.controller.line((one) => one['name'] === name && 'port' in one);
    return RawClient.connect({ port: Number(line['port']) });
  }

  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`;

  for (const kind of ['plain', 'TLS'] as const) {
    test(`is read by a caller that sends the rest, and not broken by a reset (${kind})`, async () => {
      const tls = { ca: rig.caPem, alpn: ['http/1.1'] };
      const client =
        kind === 'plain'
          ? await connect('nobody')
          : await RawClient.connect({ port: rig.ports.services, tls });
      const faults: Error[] = [];
      client.socket.on('error', (reason) => faults.push(reason));
      client.socket.allowHalfOpen = true;
      const over = closed(client);
      client.send(head('/'));
      client.send(PIECE);
      const { status, headers } = await client.response('POST');
      assert.equal(status, kind === 'plain' ? 503 : 401);
      assert.equal(header(headers, 'connection'), 'close');
      for (let sent = PIECE.length; sent < BODY_BYTES; sent += PIECE.length) {
        if (!client.socket.write(PIECE)) await Promise.race([drained(client), over]);
      }
      client.socket.end();
      await over;
      assert.deepEqual(faults, []);
    });
  }

  test('is not waited for without end: a caller that only sends is broken off', async () => {
    const client = await connect('nobody');
    client.send(`POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    assert.equal((await client.response('POST')).status, 503);
    while (!client.socket.destroyed) {
      client.socket.write('1\r\nx\r\n');
      await nextTurn();
    }
  });

  for (const [how, behind] of [
    ['a request', ''],
    ['a switch of protocols', 'Connection: Upgrade\r\nUpgrade: x\r\n'],
  ] as const) {
    test(`is the last on its connection: ${how} behind the body is not served`, async () => {
      const client = await connect('fixed');
      client.send(
        `POST /${'a'.repeat(2000)} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345`,
      );
      assert.equal((await client.response('POST')).status, 414);
      client.send(`67890GET /behind HTTP/1.1\r\nHost: x\r\n${behind}\r\n`);
      assert.equal((await client.closed()).bytes.toString(), '');
      await servedOnly('/other');
      client.destroy();
    });

    test(`is the last on its connection while it goes out: ${how} behind the body is not served`, async () => {
      let finish: () => void = () => undefined;
      target.onHead = () => (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na');
        finish = () => socket.write('b');
      };
      target.answer = (one) => (one.target === '/early' ? () => undefined : answerOf(200));
      const client = await connect('fixed');
      client.send('POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
      await client.until('the head', () =>
        client.received.includes('\r\n\r\na') ? true : undefined,
      );
      client.send(`67890GET /behind HTTP/1.1\r\nHost: x\r\n${behind}\r\n`);
      await target.request();
      target.onHead = undefined;
      await servedOnly('/early', '/other');
      finish();
      assert.equal((await client.response('POST')).text, 'ab');
      await client.closed();
      client.destroy();
    });
  }

  /** Asks for the last of the paths, over another connection; no others have come to the target. */
  async function servedOnly(...paths: readonly string[]): Promise<void> {
    const other = await connect('fixed');
    const request = `GET ${paths.at(-1) ?? ''} HTTP/1.1\r\nHost: x\r\n\r\n`;
    assert.equal((await other.exchange(request)).status, 200);
    other.destroy();
    assert.deepEqual(
      target.requests.map((one) => one.target),
      paths,
    );
  }
});

async function drained({ socket }: RawClient): Promise<void> {
  await once(socket, 'drain');
}

async function closed({ socket }: RawClient): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close');
}
