/**
 * What never became a request is refused as every request is: an answer with a request id, one line in the
 * log, one count in the metrics. A handshake that fails is no request, nor is a connection that is not used.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import type { ChildProgram, LogLine } from '../../deploy/demo/child-program.js';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { header } from '../harness/http-message.js';
import { RawClient } from '../harness/raw-http.js';
import type { RawResponse } from '../harness/raw-http.js';
import { RecordingTarget } from '../harness/recording-target.js';
import { waitFor } from '../harness/wait-for.js';
import { WITHOUT_OPENSSL } from '../controller/certificates/test-authority.js';

const HEADERS_TIMEOUT_MS = 1000;
const ROUTED = 'agent="prod",type="jenkins",service="ci"';
const NO_ROUTE = 'agent="",type="",service=""';

describe('what never became a request', { timeout: 120_000 }, () => {
  let rig: FairleadRig;
  let target: RecordingTarget;
  let agent: ChildProgram;
  let own: string;
  let agentOperations: number;
  let agentPort: number;

  before(async () => {
    target = await RecordingTarget.start();
    rig = await FairleadRig.start({
      controller: { limits: { callerHeadersTimeoutMs: HEADERS_TIMEOUT_MS } },
    });
    const config = { url: `http://127.0.0.1:${target.port}` };
    agent = await rig.startAgent({
      services: [{ enabled: true, type: 'jenkins', name: 'ci', config }],
      incoming: [
        {
          name: 'front',
          port: 0,
          destination: 'controller',
          serviceType: 'front50',
          destinationService: 'front50',
        },
      ],
    });
    const ready = await agent.line(({ msg }) => msg === 'agent is ready to connect');
    agentOperations = Number(ready['operations']);
    const listens = await agent.line(({ name }) => name === 'front');
    agentPort = Number(listens['port']);
    own = `Host: localhost\r\nAuthorization: ${basic(serviceToken(rig, 'prod/jenkins/ci'))}\r\n`;
  });

  after(async () => {
    await rig?.stop();
    await target?.close();
  });

  const connect = (): Promise<RawClient> =>
    RawClient.connect({
      port: rig.ports.services,
      tls: { ca: rig.caPem, alpn: ['http/1.1'] },
    });

  /** Lines about requests that have been written since `from`. */
  function requestLines(program: ChildProgram, from: number): LogLine[] {
    const lines = program.lines.slice(from).filter((line) => line.startsWith('{'));
    return lines
      .map((line) => JSON.parse(line) as LogLine)
      .filter(({ msg }) => /^request /.test(String(msg)));
  }

  /** What `send` adds to the counts of the controller. */
  async function counted(labels: string, send: () => Promise<void>): Promise<number> {
    const name = `fairlead_requests_total${labels}`;
    const count = await rig.metric(name);
    await send();
    return (await rig.metric(name)) - count;
  }

  function assertEnvelope(response: RawResponse, status: number, code: string): string {
    assert.equal(response.status, status, response.text);
    assert.equal(header(response.headers, 'x-fairlead-error'), code);
    const requestId = header(response.headers, 'x-request-id') ?? '';
    assert.match(requestId, /^[0-9a-f]{12}-/);
    const { error } = JSON.parse(response.text) as { error: Record<string, string> };
    assert.deepEqual(
      [error['code'], error['hop'], error['requestId']],
      [code, 'caller', requestId],
    );
    assert.match(error['message'] ?? '', new RegExp(`^fairlead: .*${code}; request ${requestId}`));
    return requestId;
  }

  const cases: readonly (readonly [string, string, number, string])[] = [
    ['bytes that are no HTTP', 'BREW\r\n\r\n', 400, 'REQUEST_INVALID'],
    [
      'a head over the limit',
      `GET / HTTP/1.1\r\nX: ${'v'.repeat(200_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    ['a head that does not come to its end', 'GET / HTTP/1.1\r\n', 408, 'REQUEST_TIMEOUT'],
  ];
  for (const [what, bytes, status, code] of cases) {
    test(`${what}: answered, logged and counted once`, async () => {
      const from = rig.controller.lines.length;
      const added = await counted(`{${NO_ROUTE},status="${status}"}`, async () => {
        const client = await connect();
        client.send(bytes);
        const requestId = assertEnvelope(await client.response(), status, code);
        await client.closed();
        const line = await rig.controller.line((one) => one['requestId'] === requestId);
        assert.deepEqual(
          [line['status'], line['ending'], line['callerAddress'], line['level']],
          [status, code, '127.0.0.1', 'info'],
        );
        assert.ok(!('method' in line) && !('path' in line), JSON.stringify(line));
      });
      assert.equal(added, 1);
      assert.equal(requestLines(rig.controller, from).length, 1);
    });
  }

  test('at a port of an agent, too', async () => {
    const client = await RawClient.connect({ port: agentPort });
    client.send('BREW\r\n\r\n');
    const requestId = assertEnvelope(await client.response(), 400, 'REQUEST_INVALID');
    const line = await agent.line((one) => one['requestId'] === requestId);
    assert.deepEqual([line['status'], line['ending']], [400, 'REQUEST_INVALID']);
    const labels = 'agent="controller",type="front50",service="front50",status="400"';
    const count = await rig.metric(`fairlead_requests_total{${labels}}`, agentOperations);
    assert.equal(count, 1);
    client.destroy();
  });

  test('CONNECT and a switch with a body are known by method and path', async () => {
    const requests: readonly (readonly [string, string, string])[] = [
      [`CONNECT localhost:22 HTTP/1.1\r\n${own}\r\n`, 'CONNECT', '(not a path)'],
      [
        `POST /sw HTTP/1.1\r\n${own}Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc`,
        'POST',
        '/sw',
      ],
    ];
    for (const [bytes, method, path] of requests) {
      const client = await connect();
      client.send(bytes);
      const requestId = assertEnvelope(await client.response('GET'), 400, 'REQUEST_INVALID');
      const line = await rig.controller.line((one) => one['requestId'] === requestId);
      assert.deepEqual([line['method'], line['path'], line['status']], [method, path, 400]);
      await client.closed();
    }
  });

  test('a body that is no HTTP is the fault of its own request, not of another', async () => {
    const from = rig.controller.lines.length;
    const added = await counted(`{${ROUTED},status="400"}`, async () => {
      const client = await connect();
      client.send(`POST /body HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
      const requestId = assertEnvelope(await client.response('POST'), 400, 'REQUEST_INVALID');
      await client.closed();
      const line = await rig.controller.line((one) => one['requestId'] === requestId);
      assert.deepEqual(
        [line['method'], line['path'], line['route'], line['ending']],
        ['POST', '/body', 'prod/jenkins/ci', 'REQUEST_INVALID'],
      );
    });
    assert.equal(added, 1);
    assert.equal(requestLines(rig.controller, from).length, 1);
  });

  test('a caller that ends its side within a body has left', async () => {
    const from = rig.controller.lines.length;
    const client = await connect();
    client.send(`POST /half HTTP/1.1\r\n${own}Content-Length: 10\r\n\r\nabc`);
    client.socket.end();
    assertEnvelope(await client.response('POST'), 499, 'CALLER_LEFT');
    const lines = await waitFor('the line', () => {
      const found = requestLines(rig.controller, from);
      return found.length > 0 ? found : undefined;
    });
    assert.deepEqual(
      lines.map((line) => [line['path'], line['ending']]),
      [['/half', 'CALLER_LEFT']],
    );
  });

  test('in the middle of a response has no answer, and a line that says so', async () => {
    const behind: Readonly<Record<string, string | undefined>> = {
      'BREW\r\n\r\n': undefined,
      'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n': 'CONNECT',
      [`GET /sw HTTP/1.1\r\n${own}Connection: Upgrade\r\nUpgrade: x\r\n\r\n`]: 'GET',
    };
    for (const [bytes, method] of Object.entries(behind)) {
      target.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n' + 'a'.repeat(100);
      const from = rig.controller.lines.length;
      const client = await connect();
      client.send(`GET /first HTTP/1.1\r\n${own}\r\n`);
      await client.until('half a body', () => client.received.includes('aaa') || undefined);
      const added = await counted(`{${NO_ROUTE},status="none"}`, async () => {
        client.send(bytes);
        assert.equal((await client.closed()).ending, 'reset');
        await waitFor('both lines', () => requestLines(rig.controller, from).length === 2);
      });
      assert.equal(added, 1);
      const broken = requestLines(rig.controller, from).find(({ path }) => path !== '/first');
      assert.deepEqual(
        [broken?.['method'], broken?.['status'], broken?.['ending']],
        [method, undefined, 'REQUEST_INVALID'],
      );
    }
  });

  test('a connection that is not used, or is reset, is worth no line and no count', async () => {
    const from = rig.controller.lines.length;
    const added = await counted('', async () => {
      const silent = await connect();
      assert.equal((await silent.closed()).bytes.length, 0);
      const gone = await RawClient.connect({ port: agentPort });
      gone.send('GET / HT');
      gone.socket.resetAndDestroy();
    });
    assert.equal(added, 0);
    assert.equal(requestLines(rig.controller, from).length, 0);
  });
});

describe('a TLS handshake that fails', { timeout: 60_000 }, () => {
  let rig: FairleadRig;

  before(async () => {
    rig = await FairleadRig.start();
  });

  after(() => rig?.stop());

  /** The line about the next handshake that fails. */
  async function lineAbout(from: number): Promise<LogLine> {
    const found = await waitFor('the line', () =>
      rig.controller.lines.slice(from).find((line) => line.includes('TLS handshake')),
    );
    return JSON.parse(found) as LogLine;
  }

  async function assertNoRequest(from: number, code: RegExp): Promise<void> {
    const line = await lineAbout(from);
    assert.equal(line['level'], 'debug');
    assert.equal(line['callerAddress'], '127.0.0.1');
    assert.match(String((line['err'] as { code?: string }).code), code);
    assert.ok(!rig.controller.lines.slice(from).some((one) => one.includes('"request ')));
    assert.equal(await rig.metric('fairlead_requests_total'), 0);
    assert.equal(await rig.metric('fairlead_streams_open'), 0);
  }

  test('because its caller speaks plain HTTP is logged, and answered with nothing', async () => {
    const from = rig.controller.lines.length;
    const client = await RawClient.connect({ port: rig.ports.services });
    client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const { bytes } = await client.closed();
    assert.doesNotMatch(bytes.toString('latin1'), /HTTP/);
    await assertNoRequest(from, /ERR_SSL_HTTP_REQUEST/);
  });

  for (const version of [2, 3]) {
    test(
      `because its caller does not know our CA is logged (TLS 1.${version})`,
      { skip: WITHOUT_OPENSSL },
      async () => {
        const from = rig.controller.lines.length;
        // Node's own client ends the connection without an alert
        const args = ['s_client', '-connect', `127.0.0.1:${rig.ports.services}`];
        const ownCas = ['-verify_return_error', '-no-CAfile', '-no-CApath', '-no-CAstore'];
        const tried = spawn('openssl', [...args, ...ownCas, `-tls1_${version}`], {
          stdio: 'ignore',
        });
        await once(tried, 'exit');
        await assertNoRequest(from, /^ERR_SSL_TLSV1_ALERT_UNKNOWN_CA$/);
      },
    );
  }
});
