/**
 * Targets that refuse, stay silent, break off or answer nonsense: a clear error while there is no
 * response head, a broken connection after it, and never a session that ends for it.
 */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { CALLER_KINDS, connectCaller } from '../harness/callers.js';
import type { CallerKind, CallerResponse } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { header } from '../harness/http-message.js';
import { Http2Client, RawClient } from '../harness/raw-http.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';
import { waitFor } from '../harness/wait-for.js';

const HEAD_TIMEOUT_MS = 800;

let rig: FairleadRig;
let agent: ChildProgram;
let target: RecordingTarget;

before(async () => {
  target = await RecordingTarget.start();
  rig = await FairleadRig.start({
    controller: { limits: { responseHeadTimeoutMs: HEAD_TIMEOUT_MS } },
  });
  const service = (name: string, port: number) => ({
    enabled: true,
    type: 'jenkins',
    name,
    config: { url: `http://127.0.0.1:${port}` },
  });
  agent = await rig.startAgent({
    services: [service('ci', target.port), service('closed', await closedPort())],
    config: { limits: { responseHeadTimeoutMs: HEAD_TIMEOUT_MS, targetKeepAliveMs: 300 } },
  });
});

after(async () => {
  await rig?.stop();
  await target?.close();
});

beforeEach(() => target.forget());

async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** One request on a connection of its own. */
async function ask(
  kind: CallerKind,
  path = '/',
  service = 'ci',
  method = 'GET',
): Promise<CallerResponse> {
  const token = serviceToken(rig, `prod/jenkins/${service}`);
  const caller = await connectCaller(kind, rig.ports.services, { ca: rig.caPem }, basic(token));
  try {
    return await caller.send({ method, target: path });
  } finally {
    caller.close();
  }
}

function assertError(response: CallerResponse, status: number, code: string, text: RegExp): void {
  assert.equal(response.status, status, response.text);
  assert.equal(header(response.headers, 'x-fairlead-error'), code);
  assert.match(response.text, text);
}

/** The session that was there at the start is still the one. */
function assertSameSession(): void {
  const connected = agent.lines.filter((line) => line.includes('"connected"'));
  assert.equal(connected.length, 1, connected.join('\n'));
}

const BIG_HEADERS = Array.from({ length: 30 }, (_, i) => `X-${i}: ${'v'.repeat(4000)}\r\n`).join(
  '',
);
const MANY_HEADERS = Array.from({ length: 1100 }, (_, i) => `X-${i}: v\r\n`).join('');

describe('before the response head', () => {
  for (const kind of CALLER_KINDS) {
    test(`a target that refuses connections is 502 (${kind})`, async () => {
      const response = await ask(kind, '/', 'closed');
      assertError(response, 502, 'TARGET_UNREACHABLE', /jenkins\/closed: connection refused/);
    });

    test(`a silent target is 504 after limits.responseHeadTimeoutMs (${kind})`, async () => {
      target.answer = () => '';
      const start = performance.now();
      assertError(await ask(kind), 504, 'TARGET_SILENT', /within 0.8 s/);
      assert.ok(performance.now() - start < HEAD_TIMEOUT_MS + 3000);
      // nobody waits for it any more
      await waitFor('the connection to the target to be gone', () => target.openConnections === 0);
    });
  }

  const broken: Record<string, (socket: net.Socket) => void> = {
    'closes instead of answering': (socket) => socket.destroy(),
    'resets instead of answering': (socket) => socket.resetAndDestroy(),
    'closes in the middle of the head': (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
    'closes after an informational response': (socket) =>
      socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'),
    'speaks another protocol': (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
    'speaks HTTP/0.9': (socket) => socket.end('<html>hello</html>'),
    'has a status below 100': (socket) =>
      socket.end('HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n'),
    'has a status that is no number': (socket) => socket.end('HTTP/1.1 abc OK\r\n\r\n'),
    'has a header without a colon': (socket) => socket.end('HTTP/1.1 200 OK\r\nNoColon\r\n\r\n'),
    'has a NUL in a header': (socket) => socket.end('HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n'),
    'has two lengths': (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'),
    'has a length and chunks': (socket) =>
      socket.end(
        'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
    'has a length that is no number': (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'),
    'has headers over limits.maxHeaderBytes': (socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${BIG_HEADERS}Content-Length: 0\r\n\r\n`),
    'has more headers than the tunnel carries': (socket) =>
      socket.end(`HTTP/1.1 200 OK\r\n${MANY_HEADERS}Content-Length: 0\r\n\r\n`),
    'switches protocols unasked': (socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    'sends a head without end': (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(`X-More: ${'y'.repeat(30_000)}\r\n`), 5);
      socket.on('close', () => clearInterval(timer));
    },
  };
  for (const [what, answer] of Object.entries(broken)) {
    test(`a target that ${what} is 502`, async () => {
      for (const method of ['GET', 'POST']) {
        target.answer = () => answer;
        const response = await ask('http/1.1', '/', 'ci', method);
        assertError(response, 502, 'TARGET_BROKE_OFF', /target of jenkins\/ci: it/);
        target.answer = () => answerOf(200);
        assert.equal((await ask('h2')).status, 200);
      }
      assertSameSession();
    });
  }

  test('the reason is told: headers over the limit', async () => {
    target.answer = () => `HTTP/1.1 200 OK\r\n${BIG_HEADERS}\r\n`;
    assertError(
      await ask('h2'),
      502,
      'TARGET_BROKE_OFF',
      /its response headers are over the limit/,
    );
    target.answer = () => `HTTP/1.1 200 OK\r\n${MANY_HEADERS}\r\n`;
    assertError(await ask('h2'), 502, 'TARGET_BROKE_OFF', /header fields, at most 1024/);
  });

  test('a request that may have had an effect is not sent twice', async () => {
    target.answer = () => (socket) => socket.destroy();
    await ask('http/1.1', '/', 'ci', 'POST');
    assert.equal(target.requests.length, 1);
  });
});

describe('informational responses', () => {
  test('a flood of them is cut down, the response after it passes', async () => {
    const flood = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'.repeat(5000);
    target.answer = () => flood + answerOf(200, [], 'after');
    const own = `Host: x\r\nAuthorization: ${basic(serviceToken(rig, 'prod/jenkins/ci'))}\r\n\r\n`;
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const { status, text, informational } = await client.exchange(`GET / HTTP/1.1\r\n${own}`);
    assert.equal(status, 200);
    assert.equal(text, 'after');
    assert.ok(informational.length <= 100, String(informational.length));
    client.destroy();
    assertSameSession();
  });

  test('odd ones do no harm', async () => {
    for (const odd of [
      'HTTP/1.1 103 Early Hints\r\nLink: nonsense\r\nLink: </a>; rel="b c"; x\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\n\r\n',
      'HTTP/1.1 199 What\r\nX: 1\r\n\r\n',
      `HTTP/1.1 103 Early Hints\r\n${MANY_HEADERS.split('\r\n').slice(0, 500).join('\r\n')}\r\n\r\n`,
    ]) {
      for (const kind of CALLER_KINDS) {
        target.answer = () => odd + answerOf(200, [], 'after');
        assert.equal((await ask(kind)).text, 'after', odd.slice(0, 90));
      }
    }
    assertSameSession();
  });

  test('a caller of HTTP/1.0 gets none', async () => {
    target.answer = () => `HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=b\r\n\r\n${answerOf(200)}`;
    const own = `Authorization: ${basic(serviceToken(rig, 'prod/jenkins/ci'))}\r\n\r\n`;
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const { status, informational } = await client.exchange(`GET / HTTP/1.0\r\n${own}`);
    assert.deepEqual([status, informational.length], [200, 0]);
    client.destroy();
  });
});

describe('a target that answers late', () => {
  test('watches and followed logs may wait without limit', async () => {
    target.answer = () => (socket) =>
      void setTimeout(() => socket.write(answerOf(200, [], 'late')), HEAD_TIMEOUT_MS + 400);
    const [watch, log] = await Promise.all([
      ask('h2', '/api/v1/pods?watch=true&resourceVersion=1'),
      ask('http/1.1', '/log?follow=true'),
    ]);
    assert.equal(watch.text, 'late');
    assert.equal(log.text, 'late');
  });

  test('time that the body takes does not count', async () => {
    target.answer = () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfir');
      setTimeout(() => socket.write('st!'), HEAD_TIMEOUT_MS + 400);
    };
    assert.equal((await ask('http/1.1')).text, 'first!');
  });
});

describe('after the response head', () => {
  const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart';
  const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n';
  const UNTIL_CLOSE = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart';
  const cut: Record<string, { first: string; then: (socket: net.Socket) => void }> = {
    'a declared length': { first: LENGTH, then: (socket) => socket.end('more') },
    'a chunk': { first: CHUNKED, then: (socket) => socket.end('ff\r\nmore') },
    'chunks without the last one': { first: CHUNKED, then: (socket) => socket.end() },
    'chunks that turn to nonsense': { first: CHUNKED, then: (socket) => socket.end('zz\r\n') },
    'a body whose connection is reset': {
      first: UNTIL_CLOSE,
      then: (socket) => socket.resetAndDestroy(),
    },
    'trailers that the tunnel cannot carry': {
      first: CHUNKED,
      then: (socket) => socket.end(`0\r\n${MANY_HEADERS}\r\n`),
    },
  };
  for (const [what, { first, then }] of Object.entries(cut)) {
    /** Sends a request, waits for the first bytes of its response, then has the target cut it. */
    async function cutResponse(version: '1.0' | '1.1'): Promise<RawClient> {
      let socket: net.Socket | undefined;
      target.answer = () => (given) => {
        socket = given;
        given.write(first);
      };
      const own = `Host: x\r\nAuthorization: ${basic(serviceToken(rig, 'prod/jenkins/ci'))}\r\n\r\n`;
      const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
      client.send(`GET / HTTP/${version}\r\n${own}`);
      // libuv reports a reset as an end while bytes before it are unread, so they are read first
      await client.until('the first bytes', () => client.received.includes('part') || undefined);
      assert.ok(socket !== undefined);
      then(socket);
      return client;
    }

    test(`${what}, cut: an HTTP/1.1 caller's connection breaks`, async () => {
      const client = await cutResponse('1.1');
      await assert.rejects(client.response(), /the connection ended/);
      assert.match(client.received.toString(), /^HTTP\/1\.1 200 OK\r\n/);
      assert.doesNotMatch(client.received.toString(), /0\r\n\r\n$/);
      assertSameSession();
    });

    test(`${what}, cut: an HTTP/1.0 caller's connection breaks`, async () => {
      // this end's libuv reports a reset as an end when bytes before it are unread: a race of the test
      const endings: string[] = [];
      while (!endings.includes('reset') && endings.length < 10) {
        endings.push((await (await cutResponse('1.0')).closed()).ending);
      }
      assert.ok(endings.includes('reset'), endings.join());
    });

    test(`${what}, cut: an HTTP/2 caller's stream is reset, its connection lives on`, async () => {
      const client = await Http2Client.connect({
        port: rig.ports.services,
        tls: { ca: rig.caPem },
      });
      const authorization = basic(serviceToken(rig, 'prod/jenkins/ci'));
      target.answer = () => (socket) => {
        socket.write(first);
        setTimeout(() => then(socket), 50);
      };
      const response = await client.request({ ':path': '/', authorization });
      assert.equal(response.status, 200);
      assert.notEqual(response.resetCode, 0);
      target.answer = () => answerOf(200);
      assert.equal((await client.request({ ':path': '/', authorization })).status, 200);
      client.close();
    });
  }

  test('a response that is cut right at its start never looks whole', async () => {
    const own = `Host: x\r\nAuthorization: ${basic(serviceToken(rig, 'prod/jenkins/ci'))}\r\n\r\n`;
    for (const { first } of Object.values(cut).slice(0, 4)) {
      target.answer = () => (socket) => socket.end(first);
      const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
      client.send(`GET / HTTP/1.1\r\n${own}`);
      await assert.rejects(client.response(), /the connection ended/);
    }
  });

  test('a target that resets while the caller does not read breaks one exchange only', async () => {
    const own = `Host: x\r\nAuthorization: ${basic(serviceToken(rig, 'prod/jenkins/ci'))}\r\n\r\n`;
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    client.socket.pause();
    let isFull = false;
    target.answer = () => (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
      socket.write(Buffer.alloc(64 * 1024 * 1024, 'x'));
      const timer = setInterval(() => (isFull = socket.writableLength > 0), 300);
      setTimeout(() => {
        clearInterval(timer);
        socket.resetAndDestroy();
      }, 1000);
    };
    client.send(`GET / HTTP/1.1\r\n${own}`);
    await waitFor('the target to be reset', () => isFull && target.openConnections === 0);
    client.socket.resume();
    // whether it looks whole cannot be told: libuv takes a reset behind unread bytes for an end
    await client.until('more bytes', () => client.received.length > 1024 * 1024 || undefined);
    client.destroy();
    target.answer = () => answerOf(200);
    assert.equal((await ask('h2')).status, 200);
    assertSameSession();
  });

  test('bytes beyond the declared length are not taken for the next response', async () => {
    target.answer = () =>
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nX-Evil: 1\r\nContent-Length: 4\r\n\r\nevil';
    assert.equal((await ask('http/1.1')).text, 'ok');
    target.answer = () => answerOf(200, [], 'good');
    for (let i = 0; i < 5; i++) assert.equal((await ask('http/1.1')).text, 'good');
  });
});
