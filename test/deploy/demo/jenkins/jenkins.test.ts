/** The demo Jenkins as igor and the end-to-end tests use it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { beanXml, cutToTree, parseTree } from '../../../../deploy/demo/jenkins/bean.js';
import type { Bean } from '../../../../deploy/demo/jenkins/bean.js';
import { blobChunks } from '../../../../deploy/demo/jenkins/blob.js';
import type { Jenkins } from '../../../../deploy/demo/jenkins/jenkins.js';
import { startJenkins } from '../../../../deploy/demo/jenkins/jenkins.js';
import { createDemoCertificates } from '../demo-certificates.js';

const basic = `Basic ${Buffer.from('igor:secret').toString('base64')}`;

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  readonly trailers: Record<string, string | undefined>;
}

/** A request whose target goes out byte for byte. */
function call(
  jenkins: Jenkins,
  method: string,
  target: string,
  options: { headers?: Record<string, string>; body?: string; expectContinue?: boolean } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { headers = {}, body, expectContinue = false } = options;
    const request = httpRequest(
      {
        port: jenkins.port,
        method,
        path: target,
        headers: {
          authorization: basic,
          ...headers,
          // node's client frames the body of a DELETE only when its length is given
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          ...(expectContinue ? { expect: '100-continue' } : {}),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            trailers: response.trailers,
          });
        });
      },
    );
    request.on('error', reject);
    if (expectContinue) {
      request.on('continue', () => request.end(body));
      request.flushHeaders();
    } else {
      request.end(body);
    }
  });
}

async function until(check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await check())) {
    assert.ok(Date.now() < deadline, 'the condition did not come true within 5 s');
    await delay(10);
  }
}

describe('demo Jenkins', { timeout: 60_000 }, () => {
  let jenkins: Jenkins;
  before(async () => {
    jenkins = await startJenkins({
      user: 'igor',
      token: 'secret',
      prefix: '/jenkins',
      queueMs: 20,
      runMs: 40,
    });
  });
  after(() => jenkins.close());

  it('asks for credentials and takes Basic and Bearer', async () => {
    const refused = await call(jenkins, 'GET', '/jenkins/api/xml', {
      headers: { authorization: '' },
    });
    assert.equal(refused.status, 401);
    assert.match(String(refused.headers['www-authenticate']), /Basic/);
    const bearer = { headers: { authorization: 'Bearer secret' } };
    assert.equal((await call(jenkins, 'GET', '/jenkins/api/xml', bearer)).status, 200);
    assert.equal((await call(jenkins, 'GET', '/jenkins/api/json')).status, 200);
    assert.equal((await call(jenkins, 'GET', '/api/xml')).status, 404);
  });

  it("answers igor's poll and keeps the raw target", async () => {
    const target =
      '/jenkins/api/xml?tree=jobs[name,lastBuild[actions[failCount,totalCount],building,number,url],jobs[name,lastBuild[number]]]&exclude=/*/*/*/action[not(totalCount)]';
    const { status, headers, body } = await call(jenkins, 'GET', target);
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /^application\/xml/);
    const xml = body.toString();
    assert.match(xml, /^<hudson _class='hudson.model.Hudson'><job /);
    assert.match(xml, /<name>feature%2Flogin<\/name>/);
    assert.match(xml, /<totalCount>3<\/totalCount>/);
    assert.doesNotMatch(xml, /BuildData/);
    assert.equal(jenkins.requests.all().at(-1)?.rawTarget, target);
  });

  it('runs a build from the queue to its properties file', async () => {
    const started = await call(
      jenkins,
      'POST',
      '/jenkins/job/with%20params/buildWithParameters?color=blue&size=2',
    );
    assert.equal(started.status, 201);
    const location = String(started.headers.location);
    assert.match(location, /^http:\/\/localhost:\d+\/jenkins\/queue\/item\/\d+\/$/);
    const item = new URL(location).pathname;
    await until(async () =>
      (await call(jenkins, 'GET', `${item}api/xml`)).body.toString().includes('<number>'),
    );
    const build = '/jenkins/job/with%20params/1';
    await until(async () =>
      (await call(jenkins, 'GET', `${build}/api/xml`)).body.toString().includes('SUCCESS'),
    );
    const properties = await call(jenkins, 'GET', `${build}/artifact/build.properties`);
    assert.equal(properties.body.toString(), 'color=blue\nsize=2\nnumber=1\n');
  });

  it('redirects after stop and description to an absolute URL of the caller', async () => {
    await call(jenkins, 'POST', '/jenkins/job/demo/build');
    await until(
      async () => (await call(jenkins, 'GET', '/jenkins/job/demo/2/api/xml')).status === 200,
    );
    const stopped = await call(jenkins, 'POST', '/jenkins/job/demo/2/stop');
    assert.equal(stopped.status, 302);
    assert.equal(stopped.headers.location, `http://localhost:${jenkins.port}/jenkins/job/demo/2/`);
    const described = await call(jenkins, 'POST', '/jenkins/job/demo/2/submitDescription', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'description=by+test',
    });
    assert.equal(described.status, 302);
    const page = await call(jenkins, 'GET', '/jenkins/job/demo/2/api/json');
    assert.match(page.body.toString(), /"description":"by test"/);
  });

  it('tells branches with an encoded slash, folders and brackets apart', async () => {
    const paths = [
      ['/job/service/job/feature%252Flogin/api/xml', 200],
      ['/job/service/job/feature%2Flogin/api/xml', 404],
      ['/job/team/job/deploy%20[prod]/api/xml', 200],
      ['/job/team/job/inner/job/nightly/api/xml', 200],
      ['/job/nothing/api/xml', 404],
    ] as const;
    for (const [path, status] of paths) {
      assert.equal((await call(jenkins, 'GET', `/jenkins${path}`)).status, status, path);
    }
  });

  it('streams an artifact of the size asked for', async () => {
    const size = 300_001;
    const { headers, body } = await call(
      jenkins,
      'GET',
      `/jenkins/job/big/1/artifact/blob-${size}`,
    );
    assert.equal(headers['content-length'], String(size));
    const hash = createHash('sha256');
    for (const chunk of blobChunks(size)) hash.update(chunk);
    assert.equal(createHash('sha256').update(body).digest('hex'), hash.digest('hex'));
  });

  it('echoes method, raw target, headers in order and the hash of the body', async () => {
    const target = '/jenkins/echo//a%2Fb?x=1&x=2&y=[|]';
    const { body } = await call(jenkins, 'DELETE', target, {
      headers: { 'X-One': '1' },
      body: 'hello',
    });
    const echo = JSON.parse(body.toString()) as Record<string, unknown>;
    assert.equal(echo['method'], 'DELETE');
    assert.equal(echo['rawTarget'], target);
    assert.equal(echo['bodyBytes'], 5);
    assert.equal(echo['bodySha256'], createHash('sha256').update('hello').digest('hex'));
    assert.ok((echo['rawHeaders'] as string[]).includes('X-One'));
  });

  it('answers Expect: 100-continue, and a final status without asking for the body', async () => {
    const accepted = await call(jenkins, 'PUT', '/jenkins/echo', {
      body: 'late body',
      expectContinue: true,
    });
    assert.match(accepted.body.toString(), /"bodyBytes":9/);
    const refused = await call(jenkins, 'PUT', '/jenkins/status/417', { expectContinue: true });
    assert.equal(refused.status, 417);
  });

  it('sends trailers, cookies, redirects, slow bodies and events', async () => {
    const trailers = await call(jenkins, 'GET', '/jenkins/chunked-trailers');
    assert.deepEqual({ ...trailers.trailers }, { 'x-checksum': 'abc', 'x-last': 'yes' });
    const cookies = await call(jenkins, 'GET', '/jenkins/cookies');
    assert.equal(cookies.headers['set-cookie']?.length, 2);
    const redirect = await call(jenkins, 'GET', '/jenkins/redirect?status=307');
    assert.equal(redirect.status, 307);
    assert.match(String(redirect.headers.location), /^http:\/\/localhost:\d+\/jenkins\/echo/);
    const slow = await call(jenkins, 'GET', '/jenkins/slow?count=2&intervalMs=5');
    assert.equal(slow.body.toString(), 'line 1\nline 2\n');
    const events = await call(jenkins, 'GET', '/jenkins/events?count=2&intervalMs=5');
    assert.equal(events.body.toString().match(/^data: /gm)?.length, 2);
    assert.equal((await call(jenkins, 'GET', '/jenkins/status/204')).status, 204);
  });

  it('echoes WebSocket messages of every length and closes cleanly', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${jenkins.port}/jenkins/ws`, {
      headers: { authorization: basic },
    });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const sent = Buffer.alloc(size, size & 0xff);
      const echoed = new Promise<Buffer>((resolve) => {
        socket.once('message', (data) => resolve(data as Buffer)); // binaryType is nodebuffer
      });
      socket.send(sent);
      assert.ok(sent.equals(await echoed), `${size} bytes`);
    }
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.close(1000);
    assert.equal(await closed, 1000);
  });

  it('refuses a WebSocket without credentials', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${jenkins.port}/jenkins/ws`);
    const status = await new Promise<number | undefined>((resolve) => {
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        resolve(response.statusCode);
      });
    });
    assert.equal(status, 401);
  });
});

describe('demo Jenkins with TLS', { timeout: 60_000 }, () => {
  it('ends the handshake of callers without a client certificate when it requires one', async () => {
    const { ca, server, client } = createDemoCertificates();
    const jenkins = await startJenkins({
      tls: { ...server, clientCa: ca.cert, requiresCertificate: true },
    });
    const get = (identity: { key?: string; cert?: string }) =>
      new Promise<number | string>((resolve) => {
        const options = {
          port: jenkins.port,
          path: '/api/xml',
          ca: ca.cert,
          agent: false,
          ...identity,
        };
        const request = httpsRequest(options, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', (error) => resolve(error.message));
        request.end();
      });
    try {
      assert.equal(await get(client), 200);
      assert.match(String(await get({})), /certificate required|ECONNRESET|socket hang up|alert/i);
    } finally {
      await jenkins.close();
    }
  });

  it('demands a crumb when told to', async () => {
    const jenkins = await startJenkins({ requiresCrumb: true });
    try {
      assert.equal((await call(jenkins, 'POST', '/job/demo/build')).status, 403);
      const issued = (await call(jenkins, 'GET', '/crumbIssuer/api/xml')).body.toString();
      const crumb = /<crumb>(.*)<\/crumb>/.exec(issued)?.[1] ?? '';
      const headers = { 'Jenkins-Crumb': crumb };
      assert.equal((await call(jenkins, 'POST', '/job/demo/build', { headers })).status, 201);
    } finally {
      await jenkins.close();
    }
  });
});

describe("Jenkins' remote API", () => {
  const bean: Bean = { _class: 'A', name: 'a<b', items: [{ x: 1 }, { y: 2 }], none: null };

  it('cuts beans to a tree and keeps classes', () => {
    assert.deepEqual(cutToTree(bean, parseTree('name,items[x]')), {
      _class: 'A',
      name: 'a<b',
      items: [{ x: 1 }, {}],
    });
    assert.deepEqual(cutToTree(bean, parseTree('items[*]')), { _class: 'A', items: bean['items'] });
  });

  it('writes XML without what is excluded', () => {
    assert.equal(
      beanXml('root', bean, ['/*/item[not(y|z)]']),
      "<root _class='A'><name>a&lt;b</name><item><y>2</y></item></root>",
    );
  });
});
