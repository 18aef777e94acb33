import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as plainRequest } from 'node:http';
import { Agent, request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { setImmediate as turn } from 'node:timers/promises';
import type {
  CertificateAuthority,
  IssuedCertificate,
} from '../../../controller/certificates/authority.js';
import {
  startControlListener,
  type ControlListener,
} from '../../../controller/control-api/control-listener.js';
import type { ControlApi, ControlRequest } from '../../../controller/control-api/control-api.js';
import { systemClock } from '../../../shared/clock.js';
import { TunnelError } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import { testAuthority } from '../certificates/test-authority.js';
import {
  capturedLog,
  controlFixture,
  v35ControlPair,
  type ControlFixture,
} from './control-fixture.js';

interface Running extends ControlFixture {
  readonly listener: ControlListener;
  serverPair: IssuedCertificate;
}

/** A listener on a free loopback port, closed after the test. */
async function startListener(t: TestContext): Promise<Running> {
  const fixture = await controlFixture();
  const state = { serverPair: await fixture.authority.issueServerCertificate(['localhost']) };
  const listener = await startControlListener({
    port: 0,
    bindAddress: '127.0.0.1',
    secureContext: () => ({
      cert: state.serverPair.certPem,
      key: state.serverPair.keyPem,
      ca: fixture.authority.caPem,
    }),
    api: fixture.api,
    maxBodyBytes: 1024,
    clock: systemClock,
    log: capturedLog().log,
  });
  t.after(() => listener.close(0));
  return Object.assign(state, fixture, { listener });
}

interface Call {
  readonly port: number;
  readonly ca: string;
  readonly pair?: { readonly certPem: string; readonly keyPem: string } | undefined;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string | number>;
  readonly agent?: Agent;
}

/** One request with real TLS. */
function call(
  options: Call,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      servername: 'localhost',
      port: options.port,
      ca: options.ca,
      cert: options.pair?.certPem,
      key: options.pair?.keyPem,
      method: options.method ?? 'POST',
      path: options.path ?? '/api/v1/generateKubectlComponents',
      headers: options.headers,
      agent: options.agent ?? false,
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.end(options.body ?? '{"agentName":"a","name":"b"}');
  });
}

const asOperator = (running: Running): Pick<Call, 'port' | 'ca' | 'pair'> => ({
  port: running.listener.port,
  ca: running.authority.caPem,
  pair: running.operatorPair,
});

describe('control listener', () => {
  it('serves operators over mutual TLS, and forbids keeping what it answers', async (t) => {
    const running = await startListener(t);
    const answer = await call(asOperator(running));
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.body)));
    assert.match(answer.body, /"userCertificate"/);
  });

  it("serves the pair of v3.5's oes-control-secret", async (t) => {
    const running = await startListener(t);
    const answer = await call({ ...asOperator(running), pair: v35ControlPair(running.ca) });
    assert.equal(answer.status, 200);
  });

  it('answers 403 over HTTP to no certificate, a foreign one, and those of agents and services', async (t) => {
    const running = await startListener(t);
    const foreign: CertificateAuthority = testAuthority({ name: 'Another CA' });
    const impostor = await testAuthority({ name: 'Control test CA' }).issue({
      purpose: 'control',
      name: 'oes',
    });
    const service = { type: 'kubernetes', name: 'k' };
    const route = { agent: agentName('a'), service };
    const pairs: [Call['pair'], RegExp][] = [
      [undefined, /no client certificate was presented/],
      [await foreign.issue({ purpose: 'control', name: 'oes' }), /not issued by the CA/],
      [impostor, /not issued by the CA/],
      [await running.authority.issue({ purpose: 'agent', agent: agentName('a') }), /agent a/],
      [await running.authority.issue({ purpose: 'service', route }), /service a\/kubernetes\/k/],
    ];
    for (const [pair, reason] of pairs) {
      const answer = await call({ ...asOperator(running), pair });
      assert.equal(answer.status, 403);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.match(answer.body, reason);
    }
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`lets no ${version} session be resumed: each handshake shows its certificate`, async (t) => {
      const running = await startListener(t);
      const common = {
        host: '127.0.0.1',
        servername: 'localhost',
        port: running.listener.port,
        ca: running.authority.caPem,
        maxVersion: version,
      };
      const ask = async (socket: TLSSocket): Promise<void> => {
        await once(socket, 'secureConnect');
        socket.write('GET /api/v1/getAgentStatistics HTTP/1.1\r\nHost: x\r\n\r\n');
        const [head] = (await once(socket, 'data')) as [Buffer];
        assert.match(head.toString(), /^HTTP\/1\.1 403 /);
      };
      const first = connect(common);
      await ask(first);
      const session = first.getSession();
      first.destroy();
      const second = connect({ ...common, ...(session && { session }) });
      await ask(second);
      assert.equal(second.isSessionReused(), false);
      second.destroy();
    });
  }

  it('answers 405 with Allow before it asks for a certificate', async (t) => {
    const running = await startListener(t);
    const answer = await call({ ...asOperator(running), pair: undefined, method: 'GET', body: '' });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers['allow'], 'POST');
  });

  it('answers 413 to a body over the limit, declared or chunked, and keeps the connection', async (t) => {
    const running = await startListener(t);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    let sockets = 0;
    const counting = Object.assign(agent, {
      createConnection: new Proxy(agent.createConnection.bind(agent), {
        apply: (target, self, args: Parameters<typeof agent.createConnection>) => {
          sockets++;
          return Reflect.apply(target, self, args);
        },
      }),
    });
    const body = Buffer.alloc(200_000, 'x');
    const declared = await call({ ...asOperator(running), body, agent: counting });
    assert.equal(declared.status, 413);
    const headers = { 'Transfer-Encoding': 'chunked' };
    const chunked = await call({ ...asOperator(running), body, headers, agent: counting });
    assert.equal(chunked.status, 413);
    assert.match(chunked.body, /Unable to process request: the request body is larger than 1024/);
    assert.equal((await call({ ...asOperator(running), agent: counting })).status, 200);
    assert.equal(sockets, 1);
  });

  it('reads a body of exactly the limit', async (t) => {
    const running = await startListener(t);
    const body = '{"agentName":"a","name":"b"}'.padEnd(1024, ' ');
    assert.equal((await call({ ...asOperator(running), body })).status, 200);
  });

  it('shows a renewed certificate to new connections and keeps the open ones', async (t) => {
    const running = await startListener(t);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    assert.equal((await call({ ...asOperator(running), agent })).status, 200);
    const renewed = await running.authority.issueServerCertificate(['localhost']);
    running.serverPair = renewed;
    running.listener.setSecureContext();
    assert.equal((await call({ ...asOperator(running), agent })).status, 200);
    const socket = connect({
      host: '127.0.0.1',
      port: running.listener.port,
      servername: 'localhost',
      ca: running.authority.caPem,
    });
    await once(socket, 'secureConnect');
    assert.equal(socket.getPeerX509Certificate()?.fingerprint256, renewed.fingerprint256);
    socket.destroy();
    // The client CA is still set after the renewal: without it nobody would be let in.
    assert.equal((await call(asOperator(running))).status, 200);
  });

  it('refuses TLS below 1.2', async (t) => {
    const running = await startListener(t);
    const socket = connect({
      host: '127.0.0.1',
      port: running.listener.port,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const [reason] = (await once(socket, 'error')) as [Error];
    assert.match(reason.message, /version|protocol/i);
  });

  it('survives clients that speak plain HTTP or leave in the middle', async (t) => {
    const running = await startListener(t);
    const { port } = running.listener;
    const plain = plainRequest({ host: '127.0.0.1', port });
    plain.end();
    await once(plain, 'error');
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: running.authority.caPem,
      cert: running.operatorPair.certPem,
      key: running.operatorPair.keyPem,
    });
    await once(socket, 'secureConnect');
    socket.write(
      'POST /api/v1/generateKubeconfig HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"agent',
    );
    await turn();
    socket.destroy();
    assert.equal((await call(asOperator(running))).status, 200);
  });

  it('names the port and its option when the port is taken', async (t) => {
    const fixture = await controlFixture();
    const pair = await fixture.authority.issueServerCertificate(['localhost']);
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    t.after(() => holder.close());
    const { port } = holder.address() as AddressInfo;
    await assert.rejects(
      startControlListener({
        port,
        bindAddress: '127.0.0.1',
        secureContext: () => ({
          cert: pair.certPem,
          key: pair.keyPem,
          ca: fixture.authority.caPem,
        }),
        api: fixture.api,
        maxBodyBytes: 1024,
        clock: systemClock,
        log: capturedLog().log,
      }),
      (reason: unknown) => {
        assert.ok(reason instanceof TunnelError && reason.code === 'PORT_UNAVAILABLE');
        assert.match(reason.message, new RegExp(`${port}.*controlListenPort`));
        return true;
      },
    );
  });

  it('finishes the request under way when closed, and cuts what takes longer than the grace', async () => {
    const fixture = await controlFixture();
    const pair = await fixture.authority.issueServerCertificate(['localhost']);
    let entered = (): void => undefined;
    const underWay = new Promise<void>((resolve) => (entered = resolve));
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const slowApi = {
      handle: async (incoming: ControlRequest) => {
        entered();
        if (incoming.target === '/slow') await released;
        else await new Promise(() => undefined);
        return { status: 200, headers: {}, body: 'done' };
      },
    };
    const start = (): Promise<ControlListener> =>
      startControlListener({
        port: 0,
        bindAddress: '127.0.0.1',
        secureContext: () => ({
          cert: pair.certPem,
          key: pair.keyPem,
          ca: fixture.authority.caPem,
        }),
        // Only handle() is called; the class has private fields besides.
        api: slowApi as unknown as ControlApi,
        maxBodyBytes: 1024,
        clock: systemClock,
        log: capturedLog().log,
      });
    const polite = await start();
    const answer = call({ port: polite.port, ca: fixture.authority.caPem, path: '/slow' });
    await underWay;
    const closed = polite.close(10_000);
    release();
    assert.equal((await answer).body, 'done');
    await closed;

    const stuck = await start();
    const cut = call({ port: stuck.port, ca: fixture.authority.caPem, path: '/never' });
    const refused = assert.rejects(cut, /hang up|ECONNRESET/);
    await new Promise<void>((resolve) => (entered = resolve));
    // As when a drain runs out of time: the later call with less grace decides.
    const drained = stuck.close(60_000);
    await stuck.close(20);
    await Promise.all([drained, refused]);
    await stuck.close(0);
  });
});
