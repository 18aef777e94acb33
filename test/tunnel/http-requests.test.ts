/**
 * What a caller sends and what the target gets: the same bytes, but for what belongs to one hop and for
 * the caller's credentials. Each kind of caller that the service port knows.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CALLER_KINDS, connectCaller } from '../harness/callers.js';
import type { Caller } from '../harness/callers.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { allOf, header, names } from '../harness/http-message.js';
import { Http2Client, RawClient } from '../harness/raw-http.js';
import { waitFor } from '../harness/wait-for.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';

const ROUTE = 'prod/jenkins/ci';

let rig: FairleadRig;
let target: RecordingTarget;
let token: string;

before(async () => {
  target = await RecordingTarget.start();
  rig = await FairleadRig.start();
  await rig.startAgent({
    services: [
      {
        enabled: true,
        type: 'jenkins',
        name: 'ci',
        config: { url: `http://127.0.0.1:${target.port}` },
      },
    ],
  });
  token = serviceToken(rig, ROUTE);
});

after(async () => {
  await rig?.stop();
  await target?.close();
});

beforeEach(() => target.forget());

function connect(kind: (typeof CALLER_KINDS)[number]): Promise<Caller> {
  return connectCaller(kind, rig.ports.services, { ca: rig.caPem }, `Bearer ${token}`);
}

/** A connection for HTTP/1, and the head lines that each request on it needs. */
async function rawClient(): Promise<{ client: RawClient; own: string }> {
  const tls = { ca: rig.caPem, alpn: ['http/1.1'] };
  const client = await RawClient.connect({ port: rig.ports.services, tls });
  return { client, own: `Host: localhost\r\nAuthorization: ${basic(token)}\r\n` };
}

const TARGETS = [
  '/',
  '//',
  '//job//a/',
  '/job/a%2Fb/%252F/x',
  '/api/xml?tree=jobs[name,lastBuild[number]]&exclude=/*/*/*/action[not(totalCount)]',
  '/job/x/api/xml?exclude=/*/action&exclude=/*/build&exclude=/*/property[not(a|b)]',
  '/a/../b/./c/..%2f%2e%2e/d',
  '/job/with%20space/(1)?q=a+b%20c&&=&x',
  "/;v=1,2!$&'()*+@:~_-.?/?#".slice(0, -1),
  '/caf%C3%A9?q=%E2%82%AC',
  '/?',
  '/x?{"json":"raw"}|^`\\',
  `/long?${'k=v,'.repeat(4096)}`,
];

for (const kind of CALLER_KINDS) {
  describe(`a caller by ${kind}`, () => {
    let caller: Caller;
    before(async () => (caller = await connect(kind)));
    after(() => caller?.close());

    test('request targets arrive byte for byte', async () => {
      for (const raw of TARGETS) {
        target.forget();
        const { status } = await caller.send({ target: raw });
        assert.equal(status, 200, raw.slice(0, 100));
        assert.equal((await target.request()).target, raw);
      }
    });

    test('the path prefix of the route is stripped and nothing else', async () => {
      for (const [sent, seen] of [
        ['/agents/prod/jenkins/ci', '/'],
        ['/agents/prod/jenkins/ci/', '/'],
        ['/agents/prod/jenkins/ci?a=b', '/?a=b'],
        ['/agents/prod/jenkins/ci//x', '//x'],
        ['/agents/prod/jenkins/ci/../y', '/../y'],
        ['/agents/prod/jenkins/ci/agents/prod/jenkins/ci/x', '/agents/prod/jenkins/ci/x'],
        ['/x/agents/prod/jenkins/ci/y', '/x/agents/prod/jenkins/ci/y'],
      ] as const) {
        target.forget();
        await caller.send({ target: sent });
        assert.equal((await target.request()).target, seen);
      }
    });

    test('no header is added, and Host is that of the target', async () => {
      await caller.send({ target: '/', headers: ['Accept', '*/*', 'X-Own', 'yes'] });
      const { headers } = await target.request();
      const allowed = new Set(['host', 'accept', 'x-own', 'connection']);
      assert.deepEqual(
        names(headers).filter((name) => !allowed.has(name)),
        [],
      );
      assert.equal(header(headers, 'host'), `127.0.0.1:${target.port}`);
      assert.equal(header(headers, 'x-own'), 'yes');
    });

    test('credentials for us, forwarding headers and hop-by-hop headers stay behind', async () => {
      const headers = [
        ...['X-Forwarded-For', '1.2.3.4', 'X-Forwarded-Proto', 'ftp', 'X-Forwarded-Host', 'evil'],
        ...['X-Forwarded-Port', '1', 'X-Forwarded-Prefix', '/p', 'Forwarded', 'for=1.2.3.4'],
        ...['X-Real-IP', '1.2.3.4', 'X-Opsmx-Token', token, 'Proxy-Authorization', 'Basic eDp5'],
      ];
      await caller.send({ target: '/', headers });
      const seen = await target.request();
      assert.deepEqual(
        names(seen.headers).filter((name) => name !== 'host' && name !== 'connection'),
        [],
      );
      assert.ok(!seen.head.includes(token));
    });

    test('bodies of every method arrive whole', async () => {
      const body = randomBytes(300_000);
      const sha = createHash('sha256').update(body).digest('hex');
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS']) {
        for (const isChunked of [false, true]) {
          target.forget();
          const { status } = await caller.send({ method, target: '/up', body, isChunked });
          assert.equal(status, 200);
          const seen = await target.request();
          assert.equal(seen.method, method);
          assert.equal(createHash('sha256').update(seen.body).digest('hex'), sha, method);
        }
      }
    });
  });
}

describe('a caller by HTTP/1.1', () => {
  test('headers keep their order, case, duplicates and bytes', async () => {
    const { client, own } = await rawClient();
    const lines = [
      'X-b: 1',
      'x-A: 2',
      'X-B: 3',
      'ACCEPT: caf\xe9 \xfc',
      'x-Empty:',
      'Cookie: a=1; b=2',
    ];
    await client.exchange(`GET / HTTP/1.1\r\n${own}${lines.join('\r\n')}\r\n\r\n`);
    const { head } = await target.request();
    const seen = head.split('\r\n').filter((line) => /^(x-|accept|cookie)/i.test(line));
    assert.deepEqual(
      seen.map((line) => line.trim()),
      lines,
    );
    client.destroy();
  });

  test('headers that Connection names are dropped, framing and Host are not', async () => {
    const { client, own } = await rawClient();
    await client.exchange(
      `POST / HTTP/1.1\r\n${own}Connection: keep-alive, x-foo, Host, content-length, authorization\r\n` +
        'X-Foo: dropped\r\nX-Bar: kept\r\nKeep-Alive: timeout=9\r\nTE: gzip\r\nProxy-Connection: close\r\n' +
        'Content-Length: 2\r\n\r\nhi',
    );
    const { headers, body } = await target.request();
    assert.equal(header(headers, 'x-foo'), undefined);
    assert.equal(header(headers, 'x-bar'), 'kept');
    assert.equal(header(headers, 'content-length'), '2');
    assert.equal(body.toString(), 'hi');
    for (const name of ['keep-alive', 'te', 'proxy-connection', 'authorization']) {
      assert.equal(header(headers, name), undefined, name);
    }
    client.destroy();
  });

  test('Connection: close of the caller is no business of the target', async () => {
    const { client, own } = await rawClient();
    client.send(`GET / HTTP/1.1\r\n${own}Connection: close, x-foo\r\nX-Foo: 1\r\n\r\n`);
    const { headers } = await client.response();
    assert.equal(header(headers, 'connection'), 'close');
    await client.closed();
    const seen = await target.request();
    assert.notEqual(header(seen.headers, 'connection'), 'close');
    assert.equal(header(seen.headers, 'x-foo'), undefined);
  });

  test('Content-Length stays Content-Length, chunked stays chunked', async () => {
    const { client, own } = await rawClient();
    await client.exchange(`PUT /a HTTP/1.1\r\n${own}Content-Length: 3\r\n\r\nabc`);
    await client.exchange(
      `PUT /b HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    );
    await client.exchange(`POST /c HTTP/1.1\r\n${own}Content-Length: 0\r\n\r\n`);
    await client.exchange(`POST /d HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`);
    const [a, b, c, d] = target.requests;
    assert.deepEqual(allOf(a!.headers, 'content-length'), ['3']);
    assert.equal(header(a!.headers, 'transfer-encoding'), undefined);
    assert.equal(header(b!.headers, 'transfer-encoding'), 'chunked');
    assert.equal(header(b!.headers, 'content-length'), undefined);
    assert.deepEqual(allOf(c!.headers, 'content-length'), ['0']);
    assert.equal(d!.body.length, 0);
    client.destroy();
  });

  test('request trailers arrive', async () => {
    const { client, own } = await rawClient();
    await client.exchange(
      `POST / HTTP/1.1\r\n${own}Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n` +
        '3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-Sum: 8\r\n\r\n',
    );
    const { body, trailers } = await target.request();
    assert.equal(body.toString(), 'abc');
    assert.deepEqual(trailers, ['X-Sum', '7', 'X-Sum', '8']);
    client.destroy();
  });

  test('request trailers that were not announced are left out, however slowly the body comes', async () => {
    const { client, own } = await rawClient();
    for (const isSlow of [false, true]) {
      target.forget();
      // what waits for its body goes to the target on another path
      const head = new Promise<void>((resolve) => {
        target.onHead = () => {
          resolve();
          return undefined;
        };
      });
      client.send(`POST / HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\n`);
      if (isSlow) await head;
      const { status } = await client.exchange('3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n', 'POST');
      assert.equal(status, 200);
      const { body, trailers } = await target.request();
      assert.equal(body.toString(), 'abc');
      assert.deepEqual(trailers, []);
    }
    client.destroy();
  });

  test('requests on one connection are answered in their order, pipelined ones too', async () => {
    const { client, own } = await rawClient();
    target.answer = ({ target: path }) => {
      const answer = answerOf(200, [], path);
      // the earlier a request, the later its answer
      const delayMs = 60 - Number(path.slice(1)) * 15;
      return (socket) => void setTimeout(() => socket.write(answer), delayMs);
    };
    client.send([0, 1, 2, 3].map((i) => `GET /${i} HTTP/1.1\r\n${own}\r\n`).join(''));
    for (const i of [0, 1, 2, 3]) assert.equal((await client.response()).text, `/${i}`);
    client.destroy();
  });

  test('a caller of HTTP/1.0 gets its answer and then the end of the connection', async () => {
    const { client, own } = await rawClient();
    target.answer = () =>
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
    const { body, headers } = await client.exchange(`GET / HTTP/1.0\r\n${own}\r\n`);
    assert.equal(body.toString(), 'abc');
    assert.equal(header(headers, 'transfer-encoding'), undefined);
    assert.match((await target.request()).startLine, / HTTP\/1\.1$/);
  });

  test('a caller of HTTP/1.0 that keeps the connection may use it again', async () => {
    const { client, own } = await rawClient();
    const request = `GET / HTTP/1.0\r\n${own}Connection: keep-alive\r\n\r\n`;
    target.answer = () => answerOf(200, [], 'abc');
    assert.equal((await client.exchange(request)).text, 'abc');
    assert.equal((await client.exchange(request)).text, 'abc');
    client.destroy();
  });
});

test('header bytes stay as they are when the body comes later than its head', async () => {
  const value = 'caf\xe9 caf\xc3\xa9'; // latin1, and UTF-8
  const { client, own } = await rawClient();
  let head: readonly string[] | undefined;
  target.onHead = ({ headers }) => {
    head = headers;
    return undefined;
  };
  client.send(`POST / HTTP/1.1\r\n${own}X-L: ${value}\r\nContent-Length: 2\r\n\r\n`);
  const seen = await waitFor('the head', () => head);
  assert.deepEqual(allOf([...seen], 'x-l'), [value]);
  client.send('hi');
  assert.equal((await client.response('POST')).status, 200);
  assert.equal((await target.request()).body.toString(), 'hi');
  client.destroy();
});

describe('a body that has no length and does not come at once', () => {
  const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS'];
  // what a target must never take for a request
  const BODY = 'POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
  const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n`;

  for (const [how, lines, trailers] of [
    ['late', '', ''],
    ['after Expect: 100-continue', 'Expect: 100-continue\r\n', ''],
    ['with an announced trailer', 'Trailer: X-Sum\r\n', 'X-Sum: 7\r\n'],
  ] as const) {
    test(`arrives in chunks and is never taken for a request, by HTTP/1.1, ${how}`, async () => {
      for (const method of METHODS) {
        target.forget();
        target.onHead = () =>
          lines.startsWith('Expect') ? 'HTTP/1.1 100 Continue\r\n\r\n' : undefined;
        const { client, own } = await rawClient();
        client.send(`${method} /up HTTP/1.1\r\n${own}${lines}Transfer-Encoding: chunked\r\n\r\n`);
        await new Promise((resolve) => setTimeout(resolve, 60)); // longer than the agent waits for a body
        client.send(`${CHUNKED}${trailers}\r\n`);
        assert.equal((await client.response(method)).status, 200, method);
        const seen = await target.request();
        assert.equal(`${seen.method} ${seen.body.toString()}`, `${method} ${BODY}`);
        assert.deepEqual(seen.trailers, trailers === '' ? [] : ['X-Sum', '7'], method);
        assert.equal(target.requests.length, 1, method);
        client.destroy();
      }
    });
  }

  test('arrives in chunks and is never taken for a request, by HTTP/2', async () => {
    for (const method of METHODS) {
      target.forget();
      const client = await Http2Client.connect({
        port: rig.ports.services,
        tls: { ca: rig.caPem },
      });
      const headers = { ':method': method, ':path': '/up', authorization: basic(token) };
      const { status } = await client.request(headers, { body: BODY, delayMs: 60 });
      assert.equal(status, 200, method);
      assert.equal((await target.request()).body.toString(), BODY, method);
      assert.equal(target.requests.length, 1, method);
      client.close();
    }
  });
});

describe('Expect: 100-continue', () => {
  const expecting = 'Expect: 100-continue\r\nContent-Length: 5\r\n';

  test('the 100 comes from the target, before the body', async () => {
    const { client, own } = await rawClient();
    target.onHead = () => 'HTTP/1.1 100 Continue\r\n\r\n';
    client.send(`PUT / HTTP/1.1\r\n${own}${expecting}\r\n`);
    await client.until('100 Continue', () => (client.received.length > 0 ? true : undefined));
    assert.match(client.received.toString(), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    assert.equal(target.requests.length, 0);
    client.send('abcde');
    const { status, informational } = await client.response('PUT');
    assert.equal(status, 200);
    assert.deepEqual(
      informational.map((one) => one.status),
      [100],
    );
    const seen = await target.request();
    assert.equal(seen.body.toString(), 'abcde');
    assert.equal(header(seen.headers, 'expect'), '100-continue');
    client.destroy();
  });

  test('without a 100 of the target none is sent', async () => {
    const { client, own } = await rawClient();
    client.send(`PUT / HTTP/1.1\r\n${own}${expecting}\r\n`);
    client.send('abcde');
    const { status, informational } = await client.response('PUT');
    assert.equal(status, 200);
    assert.deepEqual(informational, []);
    client.destroy();
  });

  test('a refusal reaches the caller, who then does not send the body', async () => {
    for (const status of [417, 413, 401]) {
      target.forget();
      const { client, own } = await rawClient();
      target.onHead = () => answerOf(status, ['X-Why', 'no'], 'refused');
      client.send(`PUT / HTTP/1.1\r\n${own}${expecting}\r\n`);
      const response = await client.response('PUT');
      assert.equal(response.status, status);
      assert.equal(response.text, 'refused');
      assert.deepEqual(response.informational, []);
      // what would come now could be body or request: the connection must not be used again
      assert.equal(header(response.headers, 'connection'), 'close');
      await client.closed();
      assert.equal(target.requests.length, 0);
    }
  });

  test('over HTTP/2 the 100 comes from the target as well', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    target.onHead = () => 'HTTP/1.1 100 Continue\r\n\r\n';
    const headers = { ':method': 'PUT', ':path': '/', authorization: basic(token) };
    const { status, informational } = await client.request(
      { ...headers, expect: '100-continue' },
      { body: 'abcde' },
    );
    assert.equal(status, 200);
    assert.deepEqual(
      informational.map((one) => one.status),
      [100],
    );
    assert.equal((await target.request()).body.toString(), 'abcde');
    client.close();
  });
});

describe('a caller by HTTP/2', () => {
  test('cookie crumbs arrive as one header', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const cookie = ['a=1', 'b=2; c=3'];
    await client.request({ ':path': '/', authorization: basic(token), cookie });
    assert.deepEqual(allOf((await target.request()).headers, 'cookie'), ['a=1; b=2; c=3']);
    client.close();
  });

  for (const [how, length] of [
    ['', {}],
    [' beside a length, which only HTTP/2 may have then', { 'content-length': '3' }],
  ] as const) {
    test(`request trailers arrive${how}`, async () => {
      const tls = { ca: rig.caPem };
      const client = await Http2Client.connect({ port: rig.ports.services, tls });
      const headers = {
        ':method': 'POST',
        ':path': '/',
        authorization: basic(token),
        trailer: 'x-sum',
        ...length,
      };
      const { status } = await client.request(headers, { body: 'abc', trailers: { 'x-sum': '7' } });
      assert.equal(status, 200);
      const seen = await target.request();
      assert.equal(seen.body.toString(), 'abc');
      assert.deepEqual(seen.trailers, ['x-sum', '7']);
      assert.deepEqual(allOf(seen.headers, 'content-length'), []);
      client.close();
    });
  }

  test('request trailers that were not announced are left out', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    const headers = { ':method': 'POST', ':path': '/', authorization: basic(token) };
    const sent = { body: 'abc', trailers: { 'x-sum': '7' } };
    assert.equal((await client.request(headers, sent)).status, 200);
    const { body, trailers } = await target.request();
    assert.equal(body.toString(), 'abc');
    assert.deepEqual(trailers, []);
    client.close();
  });

  test('latin1 header values and values with commas stay as they are', async () => {
    const client = await Http2Client.connect({ port: rig.ports.services, tls: { ca: rig.caPem } });
    await client.request({
      ':path': '/',
      authorization: basic(token),
      'x-many': ['1, 2', '3'],
      'x-l': 'caf\xe9',
    });
    const { headers } = await target.request();
    assert.deepEqual(allOf(headers, 'x-many'), ['1, 2', '3']);
    assert.deepEqual(allOf(headers, 'x-l'), ['caf\xe9']);
    client.close();
  });
});

test('connections to the target are used again and again', async () => {
  const before = target.connections;
  const callers = await Promise.all(CALLER_KINDS.map(connect));
  for (let i = 0; i < 17; i++) {
    for (const caller of callers) await caller.send({ target: `/${i}` });
  }
  assert.equal(target.requests.length, 51);
  assert.ok(target.connections - before <= 1, `${target.connections - before} new connections`);
  for (const caller of callers) caller.close();
});

test('a body of many kinds of chunks arrives once and in order', async () => {
  const body = randomBytes(3_000_000);
  const caller = await connect('http/1.1');
  target.answer = ({ body: seen }) =>
    answerOf(200, [], createHash('sha256').update(seen).digest('hex'));
  const [one, two] = await Promise.all([
    caller.send({ method: 'POST', target: '/', body, isChunked: true }),
    (await connect('h2')).send({ method: 'POST', target: '/', body }),
  ]);
  const sha = createHash('sha256').update(body).digest('hex');
  assert.equal(one.text, sha);
  assert.equal(two.text, sha);
  caller.close();
});
