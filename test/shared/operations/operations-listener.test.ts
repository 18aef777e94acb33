import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { Agent, request as tlsRequest, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { systemClock } from '../../../shared/clock.js';
import { createLog, silentLog } from '../../../shared/log.js';
import { HealthChecks } from '../../../shared/operations/health.js';
import { createMetrics, type Metrics } from '../../../shared/operations/metrics.js';
import {
  startOperationsListener,
  type OperationsListener,
  type OperationsListenerOptions,
} from '../../../shared/operations/operations-listener.js';

const metrics = createMetrics({ version: '1', side: 'agent', processMetrics: false });
const open: OperationsListener[] = [];

async function start(options: Partial<OperationsListenerOptions> = {}) {
  const listener = await startOperationsListener({
    port: 0,
    bindAddress: '127.0.0.1',
    metrics,
    health: new HealthChecks(),
    clock: systemClock,
    log: silentLog(),
    ...options,
  });
  open.push(listener);
  return listener;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Serial number of the server's certificate, over TLS. */
  readonly serial: string | undefined;
  readonly isResumed: boolean;
}

/** One request on a connection of its own; TLS when `tls` options are given. */
function ask(port: number, path: string, method = 'GET', tls?: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, agent: false, ...tls };
    const request = tls === undefined ? plainRequest(options) : tlsRequest(options);
    request.on('error', reject);
    request.on('response', (response) => {
      const { statusCode: status, headers, socket } = response;
      const serial =
        socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : undefined;
      const isResumed = socket instanceof TLSSocket && socket.isSessionReused();
      text(response).then((body) => resolve({ status, headers, body, serial, isResumed }), reject);
    });
    request.end();
  });
}

describe('the operations listener', () => {
  it("answers v3.5's health paths and liveness with 200 whatever readiness says", async () => {
    const health = new HealthChecks();
    health.add({ name: 'link', check: () => ({ ok: false, reason: 'no' }) });
    const { port } = await start({ health });
    for (const [path, body] of [
      ['/', '{}\n'],
      ['/health', '{}\n'],
      ['/health?verbose', '{}\n'],
      ['/livez', '{"status":"alive"}\n'],
    ] as const) {
      const answer = await ask(port, path);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.body, body);
      assert.equal(answer.headers['content-type'], 'application/json');
    }
  });

  it('tells the truth about readiness at the moment of the probe', async () => {
    const health = new HealthChecks();
    let isConnected = false;
    health.add({
      name: 'link',
      check: () => (isConnected ? { ok: true } : { ok: false, reason: 'not connected' }),
    });
    const { port } = await start({ health });
    const before = await ask(port, '/readyz');
    assert.equal(before.status, 503);
    assert.deepEqual(JSON.parse(before.body), {
      status: 'not ready',
      checks: [{ name: 'link', ok: false, reason: 'not connected' }],
    });
    isConnected = true;
    const later = await ask(port, '/readyz');
    assert.equal(later.status, 200);
    assert.deepEqual(JSON.parse(later.body), {
      status: 'ready',
      checks: [{ name: 'link', ok: true }],
    });
  });

  it('serves the metrics in the form Prometheus reads', async () => {
    const { port } = await start();
    const { status, headers, body } = await ask(port, '/metrics');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(body, /^fairlead_streams_open 0$/m);
  });

  it('answers 500 and logs when the metrics cannot be read', async () => {
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const { log } = createLog({ level: 'info', format: 'json', destination });
    const broken: Metrics = { ...metrics, text: () => Promise.reject(new Error('odd')) };
    const { port } = await start({ metrics: broken, log });
    const { status, body } = await ask(port, '/metrics');
    assert.equal(status, 500);
    assert.doesNotMatch(body, /odd/);
    assert.match(lines.join(''), /"message":"odd".*metrics could not be read/);
  });

  it('refuses other methods with Allow, other paths with 404, and answers HEAD without body', async () => {
    const { port } = await start();
    const posted = await ask(port, '/health', 'POST');
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.allow, 'GET, HEAD');
    assert.equal((await ask(port, '/redyz')).status, 404);
    const head = await ask(port, '/livez', 'HEAD');
    assert.deepEqual([head.status, head.body], [200, '']);
    assert.equal(head.headers['content-length'], '19');
  });

  it('names address, port and option when the port is taken', async () => {
    const { port } = await start();
    await assert.rejects(start({ port }), {
      code: 'PORT_UNAVAILABLE',
      message: new RegExp(
        `metrics and health on 127.0.0.1:${port} \\(option prometheusListenPort\\)`,
      ),
    });
  });

  it('closes in bounded time although a client holds a half-sent request', async () => {
    const { port, close } = await start();
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: x\r\n');
    const gone = new Promise((resolve) => socket.once('close', resolve));
    await close();
    socket.resume();
    await gone;
    await assert.rejects(ask(port, '/livez'), { code: 'ECONNREFUSED' });
  });
});

describe('the operations listener with a certificate', () => {
  const dir = mkdtempSync(join(tmpdir(), 'operations-'));
  const read = (name: string) => readFileSync(join(dir, name), 'utf8');
  const pair = (name: string) => ({ cert: read(`${name}.pem`), key: read(`${name}.key`) });
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];

  function makeCa(name: string): void {
    const into = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    openssl('req', '-x509', ...ec, '-subj', `/CN=${name}`, ...into);
  }

  function issue(name: string, ca: string, days = '2'): void {
    openssl('req', ...ec, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    writeFileSync(join(dir, 'san'), 'subjectAltName=IP:127.0.0.1');
    const signer = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial'];
    signer.push('-days', days);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      '-extfile',
      'san',
      '-out',
      `${name}.pem`,
    );
  }

  before(() => {
    makeCa('ca');
    makeCa('stranger-ca');
    for (const name of ['server', 'renewed', 'client']) issue(name, 'ca');
    issue('stranger', 'stranger-ca');
    issue('expired', 'ca', '-1');
  });
  after(() => rmSync(dir, { recursive: true }));

  const clientCaPem = () => undefined;

  it('speaks HTTPS and takes a renewed certificate without a restart', async () => {
    let name = 'server';
    const { port, setSecureContext } = await start({
      tls: { secureContext: () => pair(name), clientCaPem },
    });
    const trusting = { ca: read('ca.pem') };
    const first = await ask(port, '/livez', 'GET', trusting);
    assert.equal(first.status, 200);
    name = 'renewed';
    setSecureContext();
    const second = await ask(port, '/livez', 'GET', trusting);
    assert.equal(second.status, 200);
    assert.notEqual(second.serial, first.serial);
    await assert.rejects(ask(port, '/livez'), { code: 'ECONNRESET' });
  });

  /** A listener that asks for certificates of `ca`, in a process that is not ready. */
  async function startMutual(clock = systemClock) {
    const health = new HealthChecks();
    health.add({ name: 'link', check: () => ({ ok: false, reason: 'no way to 10.0.0.1' }) });
    const tls = { secureContext: () => pair('server'), clientCaPem: () => read('ca.pem') };
    return start({ tls, health, clock });
  }

  it('shows metrics and reasons to certificates of the given CA only, also after a renewal', async () => {
    const { port, setSecureContext } = await startMutual();
    const refusals = {
      nothing: /^no client certificate was presented; .*prometheusClientCAFile/,
      stranger: /^the client certificate is not trusted \(.+\); /,
      expired: /^the client certificate expired on 20.*; /,
    };
    for (const situation of ['at first', 'after a renewal']) {
      const as = (path: string, name: string) => {
        const client = name === 'nothing' ? {} : pair(name);
        return ask(port, path, 'GET', { ca: read('ca.pem'), ...client });
      };
      const scraped = await as('/metrics', 'client');
      assert.equal(scraped.status, 200, situation);
      assert.match(scraped.body, /^fairlead_streams_open 0$/m);
      assert.match((await as('/readyz', 'client')).body, /no way to 10\.0\.0\.1/);
      for (const [name, message] of Object.entries(refusals)) {
        const refused = await as('/metrics', name);
        assert.equal(refused.status, 401, `${name} ${situation}`);
        assert.equal(refused.headers['content-type'], 'application/json');
        const { error } = JSON.parse(refused.body) as { error: { message: string } };
        assert.match(error.message, message);
        const probed = await as('/readyz', name);
        assert.deepEqual([probed.status, probed.body], [503, '{"status":"not ready"}\n']);
        assert.deepEqual((await as('/livez', name)).body, '{"status":"alive"}\n');
        assert.equal((await as('/health', name)).status, 200);
      }
      setSecureContext();
    }
  });

  it('lets no session be resumed: each handshake shows its certificate', async () => {
    const { port } = await startMutual();
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 1 });
    const scrape = () => ask(port, '/metrics', 'GET', { ca: read('ca.pem'), agent });
    const [first, second] = [await scrape(), await scrape()];
    assert.deepEqual([first.isResumed, second.isResumed], [false, false]);
    assert.deepEqual([first.status, second.status], [401, 401]);
    assert.match(second.body, /no client certificate/);
  });

  it('refuses a certificate that expires while its connection lasts', async () => {
    let ahead = 0;
    const { port } = await startMutual({ ...systemClock, now: () => Date.now() + ahead });
    const agent = new Agent({ keepAlive: true });
    const scrape = () =>
      ask(port, '/metrics', 'GET', { ca: read('ca.pem'), ...pair('client'), agent });
    assert.equal((await scrape()).status, 200);
    ahead = 3 * 86_400_000;
    const later = await scrape();
    agent.destroy();
    assert.equal(later.status, 401);
    assert.match(later.body, /expired on/);
  });

  it('refuses a certificate that cannot be used, and keeps the one it has', async () => {
    const mismatched = { cert: read('server.pem'), key: read('client.key') };
    const refusal = { code: 'CERTIFICATE_INVALID', message: /listener for metrics and health/ };
    await assert.rejects(start({ tls: { secureContext: () => mismatched, clientCaPem } }), refusal);
    let current = pair('server');
    const { port, setSecureContext } = await start({
      tls: { secureContext: () => current, clientCaPem },
    });
    current = mismatched;
    assert.throws(setSecureContext, refusal);
    assert.equal((await ask(port, '/livez', 'GET', { ca: read('ca.pem') })).status, 200);
  });
});
