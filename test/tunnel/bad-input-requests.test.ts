/**
 * Requests that are wrong by intent or by accident: ambiguous framing, smuggling, forms that are not
 * served, sizes over the limits, senders that do not finish. Each gets a readable refusal, nothing of it
 * reaches a target, and the next caller notices nothing.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CALLER_KINDS, connectCaller } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { header } from '../harness/http-message.js';
import { Http2Client, RawClient } from '../harness/raw-http.js';
import type { RawResponse } from '../harness/raw-http.js';
import { RecordingTarget } from '../harness/recording-target.js';

const HEADERS_TIMEOUT_MS = 1000;

let rig: FairleadRig;
let target: RecordingTarget;
let token: string;

before(async () => {
  target = await RecordingTarget.start();
  rig = await FairleadRig.start({
    controller: { limits: { callerHeadersTimeoutMs: HEADERS_TIMEOUT_MS } },
  });
  const config = { url: `http://127.0.0.1:${target.port}` };
  await rig.startAgent({ services: [{ enabled: true, type: 'jenkins', name: 'ci', config }] });
  token = serviceToken(rig, 'prod/jenkins/ci');
});

after(async () => {
  await rig?.stop();
  await target?.close();
});

beforeEach(() => target.forget());

async function connect(): Promise<RawClient> {
  const tls = { ca: rig.caPem, alpn: ['http/1.1'] };
  return RawClient.connect({ port: rig.ports.services, tls });
}

/** Sends bytes on a connection of their own; `@` stands for Host and credential. */
async function send(bytes: string): Promise<{ response: RawResponse; client: RawClient }> {
  const client = await connect();
  const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n`;
  client.send(bytes.replaceAll('@', own));
  return { response: await client.response(), client };
}

async function assertStillServes(): Promise<void> {
  target.forget();
  const { response, client } = await send('GET /fine HTTP/1.1\r\n@\r\n');
  assert.equal(response.status, 200);
  assert.equal(target.requests.length, 1);
  client.destroy();
}

function assertReadable(response: { headers: string[]; text: string }, code: string): void {
  assert.equal(header(response.headers, 'x-fairlead-error'), code);
  const body = JSON.parse(response.text) as { error: { code: string; message: string } };
  assert.equal(body.error.code, code);
  assert.ok(body.error.message.length > 20);
}

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\n@\r\n';

describe('framing that is ambiguous or wrong', () => {
  const requests: Record<string, string> = {
    'Content-Length and Transfer-Encoding': `POST / HTTP/1.1\r\n@Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'Transfer-Encoding and Content-Length': `POST / HTTP/1.1\r\n@Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'two lengths that differ': `POST / HTTP/1.1\r\n@Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello${SMUGGLED}`,
    'two lengths that agree': `POST / HTTP/1.1\r\n@Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    'a list of lengths': `POST / HTTP/1.1\r\n@Content-Length: 5, 5\r\n\r\nhello`,
    'a length with a sign': `POST / HTTP/1.1\r\n@Content-Length: +5\r\n\r\nhello`,
    'a negative length': `POST / HTTP/1.1\r\n@Content-Length: -5\r\n\r\nhello`,
    'a length in hex': `POST / HTTP/1.1\r\n@Content-Length: 0x5\r\n\r\nhello`,
    'a length beyond all numbers': `POST / HTTP/1.1\r\n@Content-Length: 99999999999999999999\r\n\r\nx`,
    'chunked that is not last': `POST / HTTP/1.1\r\n@Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'chunked twice': `POST / HTTP/1.1\r\n@Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'an unknown transfer coding': `POST / HTTP/1.1\r\n@Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'a hidden transfer coding': `POST / HTTP/1.1\r\n@Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'a space before the colon': `GET / HTTP/1.1\r\n@X-A : b\r\n\r\n`,
    'a space before the colon of the length': `POST / HTTP/1.1\r\n@Content-Length : 5\r\n\r\nhello`,
    'a folded header': `GET / HTTP/1.1\r\n@X-A: b\r\n c\r\n\r\n`,
    'a folded transfer coding': `POST / HTTP/1.1\r\n@Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    'a head that begins with a folded line': `GET / HTTP/1.1\r\n X-A: b\r\n@\r\n`,
    'lines that end with LF only': `GET / HTTP/1.1\n@\n`,
    'one line that ends with LF only': `GET / HTTP/1.1\r\n@X-A: b\nX-B: c\r\n\r\n`,
    'a CR inside a line': `GET / HTTP/1.1\r\n@X-A: b\rX-B: c\r\n\r\n`,
    'a NUL in a value': `GET / HTTP/1.1\r\n@X-A: b\0c\r\n\r\n`,
    'a NUL in a name': `GET / HTTP/1.1\r\n@X-\0A: b\r\n\r\n`,
    'a NUL in the target': `GET /a\0b HTTP/1.1\r\n@\r\n`,
    'a header without a name': `GET / HTTP/1.1\r\n@: b\r\n\r\n`,
    'a header without a colon': `GET / HTTP/1.1\r\n@nocolon\r\n\r\n`,
    'a name with a slash': `GET / HTTP/1.1\r\n@X/A: b\r\n\r\n`,
    'no Host': `GET / HTTP/1.1\r\nAuthorization: x\r\n\r\n`,
    'a method that is none': `G@T / HTTP/1.1\r\n@\r\n`.replace('@', '('),
    'a version that is none': `GET / HTTP/9.9\r\n@\r\n`,
    'no version': `GET /\r\n@\r\n`,
    'two Host headers': `GET / HTTP/1.1\r\n@Host: other\r\n\r\n`,
    'a space in the target': `GET /a b HTTP/1.1\r\n@\r\n`,
    'bytes that are no HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  };
  for (const [what, bytes] of Object.entries(requests)) {
    test(`${what}: 400, the connection ends, nothing arrives`, async () => {
      const { response, client } = await send(bytes);
      assert.equal(response.status, 400, response.text);
      assertReadable(response, 'REQUEST_INVALID');
      await client.closed();
      assert.equal(client.received.length, 0);
      assert.deepEqual(
        target.requests.map((one) => one.target),
        [],
      );
      client.destroy();
    });
  }

  test('all that is left to the next caller is a listener that serves', assertStillServes);
});

describe('framing that goes wrong in the body', () => {
  const bodies: Record<string, string> = {
    'a chunk size that is no number': 'zz\r\nabc\r\n0\r\n\r\n',
    'a chunk size with a sign': '-1\r\nabc\r\n0\r\n\r\n',
    'a chunk size with 0x': '0x3\r\nabc\r\n0\r\n\r\n',
    'a chunk that is longer than its size': '3\r\nabcdef\r\n0\r\n\r\n',
    'a chunk size beyond all numbers': 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n',
    'chunk lines that end with LF only': '3\nabc\n0\n\n',
    'a chunk without line end': '3\r\nabc0\r\n\r\n',
    'a CR in a chunk extension': '3;a=\rb\r\nabc\r\n0\r\n\r\n',
    'an LF in a chunk extension': `3;\nxx\r\nabc\r\n0\r\n\r\n`,
    'a NUL in a chunk extension': '3;a=\0\r\nabc\r\n0\r\n\r\n',
    'chunk extensions without end': `3;${'a'.repeat(200_000)}\r\nabc\r\n0\r\n\r\n`,
    'a trailer that is no header': '3\r\nabc\r\n0\r\nbad trailer\r\n\r\n',
  };
  for (const [what, body] of Object.entries(bodies)) {
    test(`${what}: refused, and the target gets no whole request`, async () => {
      const client = await connect();
      const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n`;
      const head = `POST /body HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\n`;
      client.send(head + body + SMUGGLED.replace('@', own));
      // the head may be on its way already, so the connection breaks or is answered with an error
      const { bytes } = await client.closed();
      assert.doesNotMatch(bytes.toString(), /^HTTP\/1\.1 2/m);
      assert.deepEqual(
        target.requests.map((one) => one.target),
        [],
      );
      client.destroy();
    });
  }

  test('chunk extensions within bounds are ignored', async () => {
    const { response, client } = await send(
      'POST / HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n\r\n3;a="b;c";d\r\nabc\r\n0;z\r\n\r\n',
    );
    assert.equal(response.status, 200);
    assert.equal((await target.request()).body.toString(), 'abc');
    client.destroy();
  });

  test('a body that ends early is no request', async () => {
    for (const framing of [
      'Content-Length: 10\r\n\r\nabc',
      'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    ]) {
      const client = await connect();
      const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n`;
      client.send(`POST / HTTP/1.1\r\n${own}${framing}`);
      client.socket.end();
      const { bytes } = await client.closed();
      assert.doesNotMatch(bytes.toString(), /^HTTP\/1\.1 2/m);
    }
    assert.equal(target.requests.length, 0);
    await assertStillServes();
  });

  test('the rest of an unread body is not taken for a request', async () => {
    // refused before its body is read; the body looks like a request
    const client = await connect();
    const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n`;
    const inner = SMUGGLED.replace('@', own);
    client.send(
      `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
    );
    const response = await client.response('POST');
    assert.equal(response.status, 401);
    const second = await client
      .exchange(`GET /second HTTP/1.1\r\n${own}\r\n`)
      .catch(() => undefined);
    assert.ok(second === undefined || second.status === 200);
    assert.ok(target.requests.every((one) => one.target === '/second'));
    client.destroy();
  });
});

describe('forms that are not served', () => {
  const forms: Record<string, [string, number]> = {
    'an absolute target': [`GET http://localhost/x HTTP/1.1\r\n@\r\n`, 400],
    'an absolute target of another host': [`GET https://other.example/x HTTP/1.1\r\n@\r\n`, 400],
    'an absolute target with a password': [`GET http://u:secret@h/x HTTP/1.1\r\n@\r\n`, 400],
    CONNECT: [`CONNECT 127.0.0.1:22 HTTP/1.1\r\n@\r\n`, 400],
    'CONNECT with a path': [`CONNECT /x HTTP/1.1\r\n@\r\n`, 400],
    'a target without a slash': [`GET x HTTP/1.1\r\n@\r\n`, 400],
    'a switch of protocols with a body': [
      `POST / HTTP/1.1\r\n@Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc`,
      400,
    ],
  };
  for (const [what, [bytes, status]] of Object.entries(forms)) {
    test(`${what} is refused`, async () => {
      const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n`;
      const client = await connect();
      client.send(bytes.replace(/@(?!h\/)/g, own));
      const response = await client.response();
      assert.equal(response.status, status, response.text);
      assertReadable(response, 'REQUEST_INVALID');
      assert.equal(target.requests.length, 0);
      client.destroy();
    });
  }

  test('over HTTP/2 too', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    for (const path of ['http://localhost/x', 'x', '']) {
      const response = await client.request({ ':path': path, authorization: basic(token) });
      assert.ok(response.status === 400 || response.resetCode !== 0, `${path}: ${response.status}`);
    }
    assert.equal(target.requests.length, 0);
    client.close();
  });

  test('headers that HTTP/2 does not allow break their stream only', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const fine = { ':path': '/', authorization: basic(token) };
    // Node's client sends upper case and the like in lower case; this one it lets pass
    const te = await client.request({ ...fine, te: 'trailers' });
    assert.equal(te.status, 200);
    assert.equal(header((await target.request()).headers, 'te'), undefined);
    assert.equal((await client.request(fine)).status, 200);
    client.close();
  });

  test('OPTIONS * cannot be forwarded, and says so', async () => {
    const { response, client } = await send('OPTIONS * HTTP/1.1\r\n@\r\n');
    assert.equal(response.status, 400);
    assertReadable(response, 'REQUEST_INVALID');
    assert.equal(target.requests.length, 0);
    client.destroy();
  });
});

describe('sizes', () => {
  for (const kind of CALLER_KINDS) {
    const ask = async (path: string, headers: string[] = []) => {
      const tls = { ca: rig.caPem };
      const caller = await connectCaller(kind, rig.ports.services, tls, basic(token));
      try {
        const over = await caller.send({ target: path, headers });
        // whoever is told so may go on
        const next = kind === 'h2' ? await caller.send({ target: '/next' }) : undefined;
        return { over, next };
      } finally {
        caller.close();
      }
    };

    test(`a 32 KB Authorization header and a 16 KB query pass (${kind})`, async () => {
      const { over } = await ask(`/x?${'q'.repeat(16_000)}`, ['X-Big', 'v'.repeat(32_000)]);
      assert.equal(over.status, 200);
      assert.equal((await target.request()).target.length, 16_003);
    });

    test(`a target over limits.maxTargetBytes is 414 (${kind})`, async () => {
      const { over, next } = await ask(`/x?${'q'.repeat(33_000)}`);
      assert.equal(over.status, 414);
      assertReadable(over, 'TARGET_TOO_LONG');
      if (next !== undefined) assert.equal(next.status, 200);
      assert.ok(target.requests.every((one) => one.target === '/next'));
    });

    test(`headers over limits.maxHeaderBytes are 431 (${kind})`, async () => {
      const { over, next } = await ask('/x', ['X-Big', 'v'.repeat(70_000)]);
      assert.equal(over.status, 431);
      assertReadable(over, 'HEADERS_TOO_LARGE');
      if (next !== undefined) assert.equal(next.status, 200);
    });

    test(`more headers than the tunnel carries are 431 (${kind})`, async () => {
      const many = Array.from({ length: 1100 }, (_, i) => [`x-${i}`, 'v']).flat();
      const { over, next } = await ask('/x', many);
      assert.equal(over.status, 431);
      assertReadable(over, 'HEADERS_TOO_LARGE');
      if (next !== undefined) assert.equal(next.status, 200);
    });

    test(`a thousand headers pass (${kind})`, async () => {
      const many = Array.from({ length: 1000 }, (_, i) => [`x-${i}`, 'v']).flat();
      const { over } = await ask('/x', many);
      assert.equal(over.status, 200);
      assert.equal(header((await target.request()).headers, 'x-999'), 'v');
    });
  }

  test('far over the limits is 431 too, and the listener survives', async () => {
    for (const bytes of [
      `GET / HTTP/1.1\r\n@X: ${'v'.repeat(1_000_000)}\r\n\r\n`,
      `GET /${'p'.repeat(1_000_000)} HTTP/1.1\r\n@\r\n`,
    ]) {
      const { response, client } = await send(bytes);
      assert.equal(response.status, 431);
      assertReadable(response, 'HEADERS_TOO_LARGE');
      await client.closed();
      client.destroy();
    }
    await assertStillServes();
  });

  test('trailers that the tunnel cannot carry cost their request only', async () => {
    const agentLost = (): boolean =>
      rig.controller.lines.some((line) => line.includes('agent disconnected'));
    const many = Array.from({ length: 1100 }, (_, i) => `X-${i}: v\r\n`).join('');
    for (const announced of ['', 'Trailer: X-1\r\n']) {
      const client = await connect();
      const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n${announced}`;
      client.send(
        `POST / HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n${many}\r\n`,
      );
      const outcome = await client.response('POST').catch(() => undefined);
      assert.ok(outcome === undefined || outcome.status === 431, String(outcome?.status));
      client.destroy();
    }
    await assertStillServes();
    assert.ok(!agentLost());
  });
});

describe('bytes that are no request, sent while a response is under way', () => {
  for (const nonsense of [
    'BREW\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  ]) {
    test(`break it off, and no answer of ours becomes part of its body: ${JSON.stringify(nonsense.slice(0, 20))}`, async () => {
      target.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n' + 'a'.repeat(100);
      const client = await connect();
      client.send(`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic(token)}\r\n\r\n`);
      await client.until(
        'half a body',
        () => client.received.includes('a'.repeat(100)) || undefined,
      );
      client.send(nonsense);
      const { bytes, ending } = await client.closed();
      assert.equal(ending, 'reset');
      assert.ok(!bytes.toString().includes('HTTP/1.1 400'), bytes.toString());
    });
  }
});

describe('senders that do not finish', () => {
  test('a head that does not come to an end is cut off with 408', async () => {
    const client = await connect();
    const start = performance.now();
    client.send('GET / HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => client.send('X-A: b\r\n'), 100);
    try {
      const response = await client.response();
      assert.equal(response.status, 408);
      assert.match(response.text, /limits\.callerHeadersTimeoutMs/);
      await client.closed();
      assert.ok(performance.now() - start < HEADERS_TIMEOUT_MS + 3000);
    } finally {
      clearInterval(drip);
      client.destroy();
    }
  });

  test('a connection that says nothing at all is closed', async () => {
    const client = await connect();
    const start = performance.now();
    await client.closed();
    assert.ok(performance.now() - start < HEADERS_TIMEOUT_MS + 3000);
  });

  test('a slow body is no fault', async () => {
    const client = await connect();
    const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n`;
    client.send(`POST / HTTP/1.1\r\n${own}Content-Length: 20\r\n\r\n`);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, HEADERS_TIMEOUT_MS / 10));
      client.send('x');
    }
    assert.equal((await client.response('POST')).status, 200);
    client.destroy();
  });
});
