/**
 * What a target answers and what the caller gets: status, reason, headers in order, body bytes,
 * trailers, informational responses, and Location. What belongs to one hop is made anew.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CALLER_KINDS, chunked, connectCaller } from '../harness/callers.js';
import type { Caller, CallerKind } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { FrameCaller } from '../harness/h2-frames.js';
import { allOf, header, names } from '../harness/http-message.js';
import { Http2Client, RawClient } from '../harness/raw-http.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';
import { waitFor } from '../harness/wait-for.js';

let rig: FairleadRig;
let target: RecordingTarget;
let token: string;
let rootedToken: string;

before(async () => {
  target = await RecordingTarget.start();
  rig = await FairleadRig.start();
  const url = `http://127.0.0.1:${target.port}`;
  await rig.startAgent({
    services: [
      { enabled: true, type: 'jenkins', name: 'ci', config: { url } },
      { enabled: true, type: 'jenkins', name: 'based', config: { url: `${url}/base/path` } },
    ],
  });
  token = serviceToken(rig, 'prod/jenkins/ci');
  rootedToken = serviceToken(rig, 'prod/jenkins/based');
});

after(async () => {
  await rig?.stop();
  await target?.close();
});

beforeEach(() => target.forget());

function connect(kind: CallerKind, withToken = token): Promise<Caller> {
  return connectCaller(kind, rig.ports.services, { ca: rig.caPem }, `Bearer ${withToken}`);
}

/** Sends one HTTP/1.1 request on a connection of its own. */
async function rawExchange(method = 'GET', path = '/') {
  const tls = { ca: rig.caPem, alpn: ['http/1.1'] };
  const client = await RawClient.connect({ port: rig.ports.services, tls });
  const request = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${basic(token)}\r\n\r\n`;
  const response = await client.exchange(request, method);
  client.destroy();
  return response;
}

const DATE = 'Thu, 01 Jan 2015 00:00:00 GMT';

for (const kind of CALLER_KINDS) {
  describe(`a caller by ${kind}`, () => {
    let caller: Caller;
    before(async () => (caller = await connect(kind)));
    after(() => caller?.close());

    test('statuses of all kinds pass with their bodies', async () => {
      for (const status of [
        200, 201, 202, 206, 301, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 599,
      ]) {
        target.answer = () => answerOf(status, ['Retry-After', '7'], `body of ${status}`);
        const response = await caller.send({ target: '/' });
        assert.equal(response.status, status);
        assert.equal(response.text, `body of ${status}`);
        assert.equal(header(response.headers, 'retry-after'), '7');
        assert.equal(header(response.headers, 'x-fairlead-error'), undefined);
      }
    });

    test('headers of the target arrive, and no others', async () => {
      const own = [
        'Date',
        DATE,
        'Server',
        'Old/1',
        'ETag',
        '"x"',
        'Vary',
        'a',
        'Warning',
        '299 - "w"',
      ];
      target.answer = () => answerOf(200, own, 'x');
      const { headers } = await caller.send({ target: '/' });
      const perHop = new Set(['connection', 'keep-alive', 'transfer-encoding']);
      assert.deepEqual(
        names(headers).filter((name) => !perHop.has(name)),
        ['date', 'server', 'etag', 'vary', 'warning', 'content-length'],
      );
      assert.equal(header(headers, 'date'), DATE);
      assert.equal(header(headers, 'server'), 'Old/1');
    });

    test('a response without Date gets none', async () => {
      const { headers } = await caller.send({ target: '/' });
      assert.equal(header(headers, 'date'), undefined);
    });

    test('Set-Cookie and other repeated headers stay apart', async () => {
      const many = [
        'Set-Cookie',
        'a=1; Path=/',
        'Set-Cookie',
        'b=2, c',
        'WWW-Authenticate',
        'Basic',
      ];
      target.answer = () => answerOf(401, [...many, 'WWW-Authenticate', 'Bearer x="1,2"']);
      const { headers } = await caller.send({ target: '/' });
      assert.deepEqual(allOf(headers, 'set-cookie'), ['a=1; Path=/', 'b=2, c']);
      assert.deepEqual(allOf(headers, 'www-authenticate'), ['Basic', 'Bearer x="1,2"']);
    });

    test('trailers announced where none can follow cost nothing but their announcement', async () => {
      const lines = 'Trailer: X-Sum\r\nX-A: b\r\n';
      for (const [method, head, body] of [
        ['HEAD', `HTTP/1.1 200 OK\r\n${lines}Content-Length: 3\r\n\r\n`, ''],
        ['GET', `HTTP/1.1 200 OK\r\n${lines}Content-Length: 3\r\n\r\n`, 'abc'],
        ['GET', `HTTP/1.1 304 Not Modified\r\n${lines}\r\n`, ''],
        ['GET', `HTTP/1.1 204 No Content\r\n${lines}\r\n`, ''],
      ] as const) {
        target.answer = () => head + body;
        const response = await caller.send({ method, target: '/' });
        assert.equal(response.status, Number(head.slice(9, 12)), `${method} ${head}`);
        assert.equal(header(response.headers, 'x-a'), 'b');
        assert.equal(response.text, body);
      }
    });

    test('compressed bodies and their ETag are not touched', async () => {
      const body = gzipSync(randomBytes(1000));
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: W/"1"\r\nContent-Length: ${body.length}\r\n\r\n`;
      target.answer = () => Buffer.concat([Buffer.from(head), body]);
      const response = await caller.send({ target: '/', headers: ['Accept-Encoding', 'gzip'] });
      assert.deepEqual(response.body, body);
      assert.equal(header(response.headers, 'etag'), 'W/"1"');
      assert.equal(header(response.headers, 'content-encoding'), 'gzip');
      assert.equal(header((await target.request()).headers, 'accept-encoding'), 'gzip');
    });

    test('bodies arrive whole, whatever frames them', async () => {
      const body = randomBytes(1_000_000);
      const sha = createHash('sha256').update(body).digest('hex');
      const framed: Record<string, Buffer[]> = {
        'Content-Length: 1000000\r\n': [body],
        'Transfer-Encoding: chunked\r\n': [chunked(body)],
        'Connection: close\r\n': [body],
      };
      for (const [line, parts] of Object.entries(framed)) {
        target.answer = () => (socket) => {
          socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${line}\r\n`), ...parts]));
          if (line.startsWith('Connection')) socket.end();
        };
        const response = await caller.send({ target: '/' });
        assert.equal(createHash('sha256').update(response.body).digest('hex'), sha, line);
      }
    });

    test('response trailers arrive, announced or not', async () => {
      for (const announcement of ['Trailer: X-Sum\r\n', '']) {
        target.answer = () =>
          `HTTP/1.1 200 OK\r\n${announcement}Transfer-Encoding: chunked\r\n\r\n` +
          '3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n';
        const { text, trailers } = await caller.send({ target: '/' });
        assert.equal(text, 'abc');
        assert.deepEqual(
          trailers.map((one) => one.toLowerCase()),
          ['x-sum', '7'],
        );
      }
    });

    test('HEAD, 204 and 304 have no body, and their headers say what they said', async () => {
      target.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: "h"\r\n\r\n';
      const head = await caller.send({ method: 'HEAD', target: '/' });
      assert.equal(header(head.headers, 'content-length'), '12345');
      assert.equal(header(head.headers, 'etag'), '"h"');
      target.answer = () => 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n';
      const empty = await caller.send({ method: 'DELETE', target: '/' });
      assert.equal(empty.status, 204);
      assert.equal(empty.body.length, 0);
      assert.equal(header(empty.headers, 'content-length'), undefined);
      assert.equal(header(empty.headers, 'transfer-encoding'), undefined);
      target.answer = () => 'HTTP/1.1 304 Not Modified\r\nETag: "n"\r\nContent-Length: 99\r\n\r\n';
      const same = await caller.send({ target: '/', headers: ['If-None-Match', '"n"'] });
      assert.equal(same.status, 304);
      assert.equal(header(same.headers, 'etag'), '"n"');
      assert.equal(header(same.headers, 'content-length'), '99');
      target.answer = () => answerOf(200, [], 'still in step');
      assert.equal((await caller.send({ target: '/' })).text, 'still in step');
    });

    test('an empty body is empty', async () => {
      for (const answer of [
        'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n',
      ]) {
        target.answer = () => answer;
        assert.equal((await caller.send({ target: '/' })).body.length, 0);
      }
    });

    test('hop-by-hop headers, those that Connection names and Authorization stay behind', async () => {
      const headers = [
        'Keep-Alive',
        'timeout=1',
        'Connection',
        'x-hop, close',
        'X-Hop',
        '1',
        'X-Kept',
        '2',
      ];
      const more = [
        'Proxy-Authenticate',
        'Basic',
        'Authorization',
        'Bearer secret',
        'Upgrade',
        'h2c',
      ];
      target.answer = () => answerOf(200, [...headers, ...more], 'x');
      const response = await caller.send({ target: '/' });
      assert.equal(header(response.headers, 'x-kept'), '2');
      for (const name of ['x-hop', 'proxy-authenticate', 'authorization', 'upgrade']) {
        assert.equal(header(response.headers, name), undefined, name);
      }
      assert.notEqual(header(response.headers, 'keep-alive'), 'timeout=1');
      // the caller's own connection lives on
      assert.equal((await caller.send({ target: '/' })).status, 200);
    });

    test('Location that points at the target leads back to the controller', async () => {
      const origin = `https://localhost:${rig.ports.services}`;
      const prefix = '/agents/prod/jenkins/ci';
      const at = `127.0.0.1:${target.port}`;
      for (const [given, expected, path] of [
        [`http://${at}/job/x/`, `${origin}/job/x/`, '/'],
        [`HTTP://${at}/job//x%2Fy?q=[1]`, `${origin}/job//x%2Fy?q=[1]`, '/'],
        [`http://${at}`, `${origin}/`, '/'],
        [`http://${at}?q=1`, `${origin}/?q=1`, '/'],
        ['/job/x', `${origin}/job/x`, '/'],
        ['/job/x', `${origin}${prefix}/job/x`, `${prefix}/y`],
        [`http://${at}/job/x`, `${origin}${prefix}/job/x`, `${prefix}/y`],
        ['../relative', '../relative', '/'],
        ['?only=query', '?only=query', '/'],
        ['https://elsewhere.example/x', 'https://elsewhere.example/x', '/'],
        [`https://${at}/other-scheme`, `https://${at}/other-scheme`, '/'],
        [`http://${at}0/other-port`, `http://${at}0/other-port`, '/'],
        ['//elsewhere.example/x', '//elsewhere.example/x', '/'],
      ] as const) {
        target.answer = () => answerOf(302, ['Location', given]);
        const { headers } = await caller.send({ target: path });
        assert.deepEqual(allOf(headers, 'location'), [expected]);
      }
    });

    test('the last segment of a 201 Location survives', async () => {
      const origin = `https://localhost:${rig.ports.services}`;
      target.answer = () =>
        answerOf(201, ['Location', `http://127.0.0.1:${target.port}/queue/item/4711/`]);
      const { status, headers } = await caller.send({ method: 'POST', target: '/job/x/build' });
      assert.equal(status, 201);
      assert.equal(header(headers, 'location'), `${origin}/queue/item/4711/`);
    });
  });
}

describe('a service whose URL has a path', () => {
  test('the path goes before every target and comes off every Location', async () => {
    const origin = `https://localhost:${rig.ports.services}`;
    const caller = await connect('http/1.1', rootedToken);
    const at = `http://127.0.0.1:${target.port}`;
    for (const [given, expected] of [
      ['/base/path/x', `${origin}/x`],
      [`${at}/base/path/x`, `${origin}/x`],
      [`${at}/base/path`, `${origin}/`],
    ] as const) {
      target.forget();
      target.answer = () => answerOf(302, ['Location', given]);
      const { headers } = await caller.send({ target: '//a%2Fb?c' });
      assert.equal((await target.request()).target, '/base/path//a%2Fb?c');
      assert.equal(header(headers, 'location'), expected);
    }
    caller.close();
  });
});

describe('a caller by HTTP/1.1', () => {
  test('the reason phrase, order, case and duplicates of headers are those of the target', async () => {
    const lines = ['X-b: 1', 'x-A: 2', 'X-B: 3', 'SERVER: caf\xe9', 'x-Empty:', `DATE: ${DATE}`];
    target.answer = () =>
      `HTTP/1.1 299 Caf\xc3\xa9 au lait\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
    const { reason, head, status } = await rawExchange();
    assert.equal(status, 299);
    assert.equal(reason, 'Caf\xc3\xa9 au lait');
    const seen = head.split('\r\n').slice(1, 1 + lines.length);
    assert.deepEqual(
      seen.map((line) => line.trim()),
      lines,
    );
  });

  test('an unusual reason of a usual status passes too', async () => {
    target.answer = () => 'HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n';
    assert.equal((await rawExchange()).reason, 'Fine');
  });

  test('a connection is used again after each kind of response', async () => {
    const client = await RawClient.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const own = `Host: localhost\r\nAuthorization: ${basic(token)}\r\n\r\n`;
    for (const answer of [
      answerOf(200, [], 'abc'),
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
      answerOf(404, [], 'gone'),
    ]) {
      target.answer = () => answer;
      await client.exchange(`GET / HTTP/1.1\r\n${own}`);
      assert.equal(client.ending, undefined);
    }
    client.destroy();
  });

  test('early hints and other informational responses pass', async () => {
    target.answer = () =>
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\nX-Hint: 1\r\n\r\n' +
      `HTTP/1.1 102 Processing\r\n\r\n${answerOf(200, [], 'x')}`;
    const { informational, status, text } = await rawExchange();
    assert.equal(status, 200);
    assert.equal(text, 'x');
    assert.deepEqual(
      informational.map((one) => one.status),
      [103, 102],
    );
    const [hints] = informational;
    assert.deepEqual(
      allOf(hints!.headers, 'link').join(', '),
      '</a.css>; rel=preload, </b.js>; rel=preload',
    );
    assert.equal(header(hints!.headers, 'x-hint'), '1');
  });
});

describe('a caller by HTTP/2', () => {
  test('early hints pass', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    target.answer = () =>
      `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${answerOf(200, [], 'x')}`;
    const response = await client.request({ ':path': '/', authorization: basic(token) });
    assert.equal(response.status, 200);
    assert.deepEqual(response.informational, [
      { status: 103, headers: ['link', '</a.css>; rel=preload'] },
    ]);
    client.close();
  });

  test('headers that HTTP/2 does not know as repeatable are joined, not lost', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    target.answer = () => answerOf(200, ['X-Many', '1', 'X-Many', '2', 'Vary', 'a', 'Vary', 'b']);
    const { headers } = await client.request({ ':path': '/', authorization: basic(token) });
    assert.equal(allOf(headers, 'x-many').join(', '), '1, 2');
    assert.equal(allOf(headers, 'vary').join(', '), 'a, b');
    client.close();
  });

  test('odd header values of a target break one stream at most', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    target.answer = () =>
      answerOf(200, ['Age', '1', 'Age', '2', 'ETag', '"a"', 'ETag', '"b"', 'X-L', 'caf\xe9']);
    const odd = await client.request({ ':path': '/', authorization: basic(token) });
    assert.equal(odd.status, 200);
    assert.equal(header(odd.headers, 'x-l'), 'caf\xe9');
    target.answer = () => answerOf(200);
    assert.equal((await client.request({ ':path': '/', authorization: basic(token) })).status, 200);
    client.close();
  });
});

test('header bytes stay as they are when the body comes later than its head', async () => {
  const value = 'caf\xe9 caf\xc3\xa9'; // latin1, and UTF-8
  for (const lines of ['', 'Connection: Upgrade\r\nUpgrade: x\r\n']) {
    let sendBody: (() => void) | undefined;
    target.answer = () => (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nX-L: ${value}\r\nContent-Length: 2\r\n\r\n`, 'latin1');
      sendBody = () => socket.write('hi');
    };
    const tls = { ca: rig.caPem, alpn: ['http/1.1'] };
    const client = await RawClient.connect({ port: rig.ports.services, tls });
    client.send(`GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(token)}\r\n${lines}\r\n`);
    await client.until('the head', () => client.received.includes('\r\n\r\n') || undefined);
    sendBody?.();
    const { headers, text } = await client.response();
    assert.deepEqual([header(headers, 'x-l'), text], [value, 'hi']);
    client.destroy();
  }
});

test('a head of the size of limits.maxHeaderBytes arrives over HTTP/2', async () => {
  const value = 'v'.repeat(530);
  const fields = Array.from({ length: 120 }, (_, i) => [`x-${i}`, value]).flat();
  target.answer = () => answerOf(200, fields);
  const identity = { port: rig.ports.services, ca: rig.caPem, token };
  const caller = await FrameCaller.ask(identity, '/');
  const answer = await waitFor('the answer', () => caller.ofStream[0]);
  caller.close();
  assert.equal(answer.type, 'headers');
});

test('many large heads at once arrive before their bodies', async () => {
  const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
  const big = 'v'.repeat(15_000);
  target.answer = () => answerOf(200, ['X-1', big, 'X-2', big, 'X-3', big], 'body');
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => client.request({ ':path': '/', authorization: basic(token) })),
  );
  for (const { status, text } of answers) assert.deepEqual([status, text], [200, 'body']);
  client.close();
});
