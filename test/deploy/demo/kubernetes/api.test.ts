/** The demo API over plain HTTP: what callers other than kubectl, and tests of the tunnel, rely on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import type {
  Fault,
  KubernetesApiOptions,
} from '../../../../deploy/demo/kubernetes/api-options.js';
import type { KubernetesApi } from '../../../../deploy/demo/kubernetes/kubernetes-api.js';
import { startKubernetesApi } from '../../../../deploy/demo/kubernetes/kubernetes-api.js';
import type { Json } from '../../../../deploy/demo/kubernetes/objects/json-value.js';
import {
  listAt,
  numberAt,
  objectAt,
  parseJson,
  stringAt,
  valueAt,
} from '../../../../deploy/demo/kubernetes/objects/json-value.js';
import { createDemoCertificates } from '../demo-certificates.js';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

const quick = { reconcileMs: 1, podStartMs: 5, podStopMs: 5, jobRunMs: 5 };

async function call(
  api: KubernetesApi,
  method: string,
  path: string,
  options: { body?: Json | string; type?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { body, type = 'application/json', headers = {} } = options;
  const response = await fetch(api.url + path, {
    method,
    redirect: 'manual',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': type }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const raw = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: raw.startsWith('{') ? parseJson(raw) : raw,
  };
}

async function withApi(
  options: KubernetesApiOptions,
  run: (api: KubernetesApi) => Promise<void>,
): Promise<void> {
  const api = await startKubernetesApi({ seed: false, timings: quick, ...options });
  try {
    await run(api);
  } finally {
    await api.close();
  }
}

async function until(check: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!check()) {
    assert.ok(Date.now() < deadline, 'the condition did not come true within 5 s');
    await delay(5);
  }
}

function configMap(name: string, data: Record<string, string> = {}): Json {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** A watch whose events can be awaited one by one. */
class Watch {
  readonly #lines: AsyncIterator<string>;

  private constructor(readonly response: IncomingMessage) {
    this.#lines = createInterface({ input: response })[Symbol.asyncIterator]();
  }

  static async open(api: KubernetesApi, path: string, accept = 'application/json'): Promise<Watch> {
    const request = httpRequest(api.url + path, { headers: { accept } });
    request.end();
    // node's request emits exactly one response
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new Watch(response);
  }

  async next(): Promise<Json> {
    const next = await this.#lines.next();
    assert.notEqual(next.done, true, 'the watch has ended');
    return parseJson(String(next.value));
  }

  /** Resolves when the server ends the watch. */
  async ended(): Promise<void> {
    while ((await this.#lines.next()).done !== true);
  }
}

describe('demo API objects', { timeout: 60_000 }, () => {
  let api: KubernetesApi;
  before(async () => {
    api = await startKubernetesApi({ timings: quick, version: '1.31' });
  });
  after(() => api.close());

  it('creates, conflicts, replaces and deletes with the Status shapes of an apiserver', async () => {
    const created = await call(api, 'POST', CONFIG_MAPS, { body: configMap('one', { a: '1' }) });
    assert.equal(created.status, 201);
    assert.match(stringAt(created.body, 'metadata', 'uid'), /^[0-9a-f-]{36}$/);
    const again = await call(api, 'POST', CONFIG_MAPS, { body: configMap('one') });
    assert.deepEqual(again.body, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'configmaps "one" already exists',
      reason: 'AlreadyExists',
      details: { name: 'one', kind: 'configmaps' },
      code: 409,
    });
    const changed = { ...objectAt(created.body), data: { a: '2' } };
    assert.equal((await call(api, 'PUT', `${CONFIG_MAPS}/one`, { body: changed })).status, 200);
    const stale = await call(api, 'PUT', `${CONFIG_MAPS}/one`, { body: changed });
    assert.equal(stringAt(stale.body, 'reason'), 'Conflict');
    const removed = await call(api, 'DELETE', `${CONFIG_MAPS}/one`, {
      body: { propagationPolicy: 'Background' },
    });
    assert.equal(stringAt(removed.body, 'status'), 'Success');
    const missing = await call(api, 'GET', `${CONFIG_MAPS}/one`);
    assert.equal(missing.status, 404);
    assert.equal(stringAt(missing.body, 'message'), 'configmaps "one" not found');
  });

  it('keeps the revision of a write that changes nothing', async () => {
    const created = await call(api, 'POST', CONFIG_MAPS, { body: configMap('same', { a: '1' }) });
    const patch = { body: { data: { a: '1' } }, type: 'application/merge-patch+json' };
    const patched = await call(api, 'PATCH', `${CONFIG_MAPS}/same`, patch);
    assert.equal(
      stringAt(patched.body, 'metadata', 'resourceVersion'),
      stringAt(created.body, 'metadata', 'resourceVersion'),
    );
  });

  it('stores nothing under dryRun', async () => {
    const dry = await call(api, 'POST', `${CONFIG_MAPS}?dryRun=All`, { body: configMap('dry') });
    assert.equal(dry.status, 201);
    assert.equal((await call(api, 'GET', `${CONFIG_MAPS}/dry`)).status, 404);
  });

  it('refuses what an apiserver refuses, with its status', async () => {
    const cases: [string, string, number, string, (Json | string)?, string?][] = [
      ['POST', CONFIG_MAPS, 422, 'Invalid', configMap('Not_A_Name')],
      [
        'POST',
        `${CONFIG_MAPS}?fieldValidation=Strict`,
        400,
        'BadRequest',
        { ...objectAt(configMap('x')), nonsense: 1 },
      ],
      ['POST', CONFIG_MAPS, 400, 'BadRequest', '{'],
      ['POST', CONFIG_MAPS, 415, 'UnsupportedMediaType', 'x', 'text/plain'],
      ['POST', '/api/v1/namespaces/nowhere/configmaps', 404, 'NotFound', configMap('x')],
      ['PUT', CONFIG_MAPS, 405, 'MethodNotAllowed', configMap('x')],
      ['GET', '/apis/nothing.example.com/v1/things', 404, 'NotFound'],
      ['GET', `${CONFIG_MAPS}?labelSelector=a%3D%3D%3Db`, 400, 'BadRequest'],
      ['GET', `${CONFIG_MAPS}?fieldSelector=spec.x%3D1`, 400, 'BadRequest'],
      ['POST', '/api/v1/namespaces/default/pods/x/exec', 400, 'BadRequest', {}],
    ];
    for (const [method, path, status, reason, body, type] of cases) {
      const answer = await call(api, method, path, {
        ...(body === undefined ? {} : { body }),
        ...(type === undefined ? {} : { type }),
      });
      assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
      assert.equal(stringAt(answer.body, 'reason'), reason);
    }
  });

  it('takes a body of 3 MiB and refuses one byte more with 413', async () => {
    const sized = (bytes: number) => {
      const empty = JSON.stringify(configMap('big', { x: '' })).length;
      return JSON.stringify(configMap('big', { x: 'a'.repeat(bytes - empty) }));
    };
    const limit = 3 * 1024 * 1024;
    assert.equal((await call(api, 'POST', CONFIG_MAPS, { body: sized(limit) })).status, 201);
    const refused = await call(api, 'POST', CONFIG_MAPS, { body: sized(limit + 1) });
    assert.equal(refused.status, 413);
    assert.equal(stringAt(refused.body, 'reason'), 'RequestEntityTooLarge');
  });

  it('pages with limit and continue, and answers 410 to a token it does not know', async () => {
    const all = listAt((await call(api, 'GET', '/api/v1/namespaces/demo/pods')).body, 'items');
    const names: string[] = [];
    let token = '';
    do {
      const query = `?limit=4${token === '' ? '' : `&continue=${token}`}`;
      const { body } = await call(api, 'GET', `/api/v1/namespaces/demo/pods${query}`);
      names.push(...listAt(body, 'items').map((item) => stringAt(item, 'metadata', 'name')));
      token = stringAt(body, 'metadata', 'continue');
      if (token !== '') {
        assert.equal(numberAt(body, 'metadata', 'remainingItemCount'), all.length - names.length);
      }
    } while (token !== '');
    assert.deepEqual(
      names,
      all.map((item) => stringAt(item, 'metadata', 'name')),
    );
    assert.equal((await call(api, 'GET', '/api/v1/pods?limit=4&continue=bad')).status, 410);
  });

  it('selects by every label operator and by fields', async () => {
    const count = async (query: string) =>
      listAt((await call(api, 'GET', `/api/v1/namespaces/demo/pods?${query}`)).body, 'items')
        .length;
    assert.equal(await count('labelSelector=app%3Dweb'), 3);
    assert.equal(await count('labelSelector=app+in+(web,db)'), 5);
    assert.equal(await count('labelSelector=app,app+notin+(web),app!%3Ddb'), 3);
    assert.equal(await count('labelSelector=!app'), 1);
    assert.equal(await count('fieldSelector=status.phase%3DSucceeded'), 1);
    assert.equal(await count('fieldSelector=metadata.name!%3Dticker,status.phase%3DRunning'), 7);
  });

  it('removes dependents before their owner in foreground deletion', async () => {
    const path = '/apis/apps/v1/namespaces/demo/deployments/web';
    const answer = await call(api, 'DELETE', path, { body: { propagationPolicy: 'Foreground' } });
    assert.deepEqual(listAt(answer.body, 'metadata', 'finalizers'), ['foregroundDeletion']);
    const pods = () =>
      api.objects
        .list('v1', 'Pod', 'demo')
        .filter((pod) => valueAt(pod, 'metadata', 'labels', 'app') === 'web');
    const deployment = () =>
      api.objects.get({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        namespace: 'demo',
        name: 'web',
      });
    await until(() => {
      if (deployment() === undefined) assert.equal(pods().length, 0);
      return deployment() === undefined;
    });
  });

  it('keeps an object until its finalizers are gone', async () => {
    const held = {
      ...objectAt(configMap('held')),
      metadata: { name: 'held', finalizers: ['demo.example.com/hold'] },
    };
    await call(api, 'POST', CONFIG_MAPS, { body: held });
    await call(api, 'DELETE', `${CONFIG_MAPS}/held`);
    const marked = await call(api, 'GET', `${CONFIG_MAPS}/held`);
    assert.notEqual(stringAt(marked.body, 'metadata', 'deletionTimestamp'), '');
    const patch = {
      body: { metadata: { finalizers: null } },
      type: 'application/merge-patch+json',
    };
    assert.equal((await call(api, 'PATCH', `${CONFIG_MAPS}/held`, patch)).status, 200);
    assert.equal((await call(api, 'GET', `${CONFIG_MAPS}/held`)).status, 404);
  });

  it('serves an autoscaler in both versions', async () => {
    const path = '/namespaces/demo/horizontalpodautoscalers/web';
    const patch = {
      body: { spec: { targetCPUUtilizationPercentage: 60 } },
      type: 'application/merge-patch+json',
    };
    await call(api, 'PATCH', `/apis/autoscaling/v1${path}`, patch);
    const { body } = await call(api, 'GET', `/apis/autoscaling/v2${path}`);
    const [metric] = listAt(body, 'spec', 'metrics');
    assert.equal(numberAt(metric, 'resource', 'target', 'averageUtilization'), 60);
  });
});

describe('demo API watches and logs', { timeout: 60_000 }, () => {
  it('sends the head at once and each event in order, with selectors', async () => {
    await withApi({}, async (api) => {
      const watch = await Watch.open(api, `${CONFIG_MAPS}?watch=true&labelSelector=on%3Dyes`);
      assert.equal(api.open().watches, 1);
      const labelled = (name: string, on: string): Json => ({
        ...objectAt(configMap(name)),
        metadata: { name, labels: { on } },
      });
      await call(api, 'POST', CONFIG_MAPS, { body: labelled('a', 'no') });
      await call(api, 'POST', CONFIG_MAPS, { body: labelled('b', 'yes') });
      const relabel = (on: string) => ({
        body: { metadata: { labels: { on } } },
        type: 'application/merge-patch+json',
      });
      await call(api, 'PATCH', `${CONFIG_MAPS}/a`, relabel('yes'));
      await call(api, 'PATCH', `${CONFIG_MAPS}/b`, relabel('no'));
      await call(api, 'DELETE', `${CONFIG_MAPS}/a`);
      const seen: string[] = [];
      for (let count = 0; count < 4; count += 1) {
        const event = await watch.next();
        seen.push(`${stringAt(event, 'type')} ${stringAt(event, 'object', 'metadata', 'name')}`);
      }
      assert.deepEqual(seen, ['ADDED b', 'ADDED a', 'DELETED b', 'DELETED a']);
      watch.response.destroy();
      await until(() => api.open().watches === 0);
    });
  });

  it('resumes from the history and answers 410 when that is gone', async () => {
    await withApi({}, async (api) => {
      const first = await call(api, 'POST', CONFIG_MAPS, { body: configMap('a') });
      await call(api, 'POST', CONFIG_MAPS, { body: configMap('b') });
      const from = stringAt(first.body, 'metadata', 'resourceVersion');
      const resumed = await Watch.open(api, `${CONFIG_MAPS}?watch=1&resourceVersion=${from}`);
      assert.equal(stringAt(await resumed.next(), 'object', 'metadata', 'name'), 'b');
      resumed.response.destroy();
      api.compactHistory();
      const expired = await Watch.open(api, `${CONFIG_MAPS}?watch=1&resourceVersion=${from}`);
      const event = await expired.next();
      assert.equal(stringAt(event, 'type'), 'ERROR');
      assert.equal(numberAt(event, 'object', 'code'), 410);
      await expired.ended();
    });
  });

  it('ends a watch after timeoutSeconds and sends tables when asked', async () => {
    await withApi({}, async (api) => {
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
      const watch = await Watch.open(api, '/api/v1/namespaces?watch=true&timeoutSeconds=1', accept);
      const [head, next] = [await watch.next(), await watch.next()];
      assert.equal(stringAt(head, 'object', 'kind'), 'Table');
      assert.ok(listAt(head, 'object', 'columnDefinitions').length > 0);
      assert.equal(listAt(next, 'object', 'columnDefinitions').length, 0);
      await watch.ended();
      await until(() => api.open().watches === 0);
    });
  });

  it('follows a log line by line until the pod is gone', async () => {
    await withApi({ seed: true }, async (api) => {
      const request = httpRequest(
        `${api.url}/api/v1/namespaces/demo/pods/ticker/log?follow=true&tailLines=0`,
      );
      request.end();
      // node's request emits exactly one response
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const lines = createInterface({ input: response })[Symbol.asyncIterator]();
      api.appendLog('demo', 'ticker', 'ticker', 'hello');
      let line = await lines.next();
      while (String(line.value).startsWith('tick')) line = await lines.next();
      assert.equal(line.value, 'hello');
      assert.equal(api.open().logFollows, 1);
      await call(api, 'DELETE', '/api/v1/namespaces/demo/pods/ticker', {
        body: { gracePeriodSeconds: 0 },
      });
      while ((await lines.next()).done !== true);
      await until(() => api.open().logFollows === 0);
    });
  });
});

describe('demo API documents and connections', { timeout: 60_000 }, () => {
  it('answers 304 to a known ETag and redirects to the hash of the moment', async () => {
    await withApi({ version: '1.30' }, async (api) => {
      const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
      for (const path of ['/apis', '/openapi/v2', '/openapi/v3']) {
        const first = await call(api, 'GET', path, {
          headers: { accept: `${accept},application/json` },
        });
        assert.equal(first.status, 200);
        const known = {
          accept: `${accept},application/json`,
          'if-none-match': first.headers.get('etag') ?? '',
        };
        assert.equal((await call(api, 'GET', path, { headers: known })).status, 304, path);
        if (path === '/apis') assert.equal(first.headers.get('content-type'), accept);
      }
      const stale = await call(api, 'GET', '/openapi/v3/apis/apps/v1?hash=OLD');
      assert.equal(stale.status, 301);
    });
  });

  it('compresses large bodies only, and only for those who ask', async () => {
    await withApi({}, async (api) => {
      await call(api, 'POST', CONFIG_MAPS, {
        body: configMap('large', { x: 'a'.repeat(200_000) }),
      });
      const encoding = async (path: string, accepted: string) => {
        const request = httpRequest(api.url + path, { headers: { 'accept-encoding': accepted } });
        request.end();
        // node's request emits exactly one response
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        await text(response);
        return response.headers['content-encoding'];
      };
      assert.equal(await encoding(CONFIG_MAPS, 'gzip'), 'gzip');
      assert.equal(await encoding(CONFIG_MAPS, 'identity'), undefined);
      assert.equal(await encoding('/api/v1/namespaces', 'gzip'), undefined);
    });
  });

  it('warns of versions that are on their way out', async () => {
    await withApi({ version: '1.22' }, async (api) => {
      const budget = {
        apiVersion: 'policy/v1beta1',
        kind: 'PodDisruptionBudget',
        metadata: { name: 'p' },
        spec: { minAvailable: 1 },
      };
      const path = '/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets';
      const { headers } = await call(api, 'POST', path, { body: budget });
      assert.match(
        headers.get('warning') ?? '',
        /^299 - "policy\/v1beta1 PodDisruptionBudget is deprecated/,
      );
    });
  });

  it('does to a request what the fault hook says', async () => {
    let fault: Fault | undefined;
    await withApi({ fault: () => fault }, async (api) => {
      fault = { status: 429, headers: { 'Retry-After': '1' }, body: '{"kind":"Status"}' };
      const limited = await call(api, 'GET', '/api');
      assert.equal(limited.status, 429);
      assert.equal(limited.headers.get('retry-after'), '1');
      fault = 'destroy';
      await assert.rejects(call(api, 'GET', '/api'));
      fault = 'hang';
      await assert.rejects(fetch(`${api.url}/api`, { signal: AbortSignal.timeout(50) }));
    });
  });

  it('speaks h2 and HTTP/1.1 by ALPN, HTTP/1.1 without, and tells users apart', async () => {
    const { ca, server, client } = createDemoCertificates();
    const tls = { ...server, clientCa: ca.cert };
    await withApi({ tls, tokens: [{ token: 'good', user: 'alice' }] }, async (api) => {
      const statusLine = async (protocols: string[], token: string, identity = {}) => {
        const socket = connectTls({
          port: api.port,
          ca: ca.cert,
          ALPNProtocols: protocols,
          ...identity,
        });
        await once(socket, 'secureConnect');
        socket.write(
          `GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
        );
        return (await text(socket)).split('\r\n')[0];
      };
      assert.equal(await statusLine(['http/1.1'], 'good'), 'HTTP/1.1 200 OK');
      assert.equal(await statusLine([], 'good'), 'HTTP/1.1 200 OK');
      assert.equal(await statusLine([], 'bad'), 'HTTP/1.1 401 Unauthorized');
      assert.equal(await statusLine([], 'bad', client), 'HTTP/1.1 200 OK');
      const session = connectHttp2(api.url, { ca: ca.cert });
      const ok = session.request({ ':path': '/version', authorization: 'Bearer good' });
      const [head] = (await once(ok, 'response')) as [{ ':status': number }]; // as node:http2 documents it
      assert.equal(head[':status'], 200);
      ok.resume();
      const closed = once(session, 'close');
      session.request({ ':path': '/version' }).resume();
      await closed; // the server gives up the connection of an unauthenticated request
      assert.deepEqual(
        api.requests.all().map(({ httpVersion, user }) => `${httpVersion} ${user ?? '-'}`),
        ['1.1 alice', '1.1 alice', '1.1 -', '1.1 demo-client', '2.0 alice', '2.0 -'],
      );
    });
  });

  it('records raw targets and headers as they arrived', async () => {
    await withApi({}, async (api) => {
      const request = httpRequest(api.url, {
        path: '/api/v1/namespaces/%64efault/configmaps//?x=1&x=2',
        headers: { 'X-Mixed-Case': 'kept' },
      });
      request.end();
      // node's request emits exactly one response
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      response.resume();
      const recorded = api.requests.all().at(-1);
      assert.equal(recorded?.rawTarget, '/api/v1/namespaces/%64efault/configmaps//?x=1&x=2');
      assert.ok(recorded.headers.includes('X-Mixed-Case'));
    });
  });

  it('gives the same names to the same requests', async () => {
    const names: string[][] = [];
    for (let run = 0; run < 2; run += 1) {
      await withApi({ seed: true }, async (api) => {
        await call(api, 'POST', CONFIG_MAPS, {
          body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } },
        });
        const pods = api.objects.list('v1', 'Pod').map((pod) => stringAt(pod, 'metadata', 'name'));
        const maps = api.objects
          .list('v1', 'ConfigMap')
          .map((map) => stringAt(map, 'metadata', 'name'));
        names.push([...pods, ...maps]);
      });
    }
    assert.deepEqual(names[0], names[1]);
  });

  it('leaves nothing open when it is closed', async () => {
    const api = await startKubernetesApi({ timings: quick });
    const watch = await Watch.open(api, '/api/v1/pods?watch=true');
    watch.response.on('error', () => undefined); // cut off by the server
    await Promise.all([api.close(), api.close()]);
    assert.deepEqual(api.open(), { watches: 0, logFollows: 0, upgrades: 0, sockets: 0 });
  });
});
