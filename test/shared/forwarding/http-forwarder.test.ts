/** Requests over pooled connections: which are refused, and which are sent once more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { StreamForwarder } from '../../../shared/forwarding/stream-handler.js';
import { StreamReports } from '../../../shared/forwarding/stream-report.js';
import type { Target, TargetEndpoint } from '../../../shared/forwarding/target.js';
import { TunnelError } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import { silentLog } from '../../../shared/log.js';
import type { RequestHead } from '../../../shared/protocol/frame.js';
import { waitFor } from '../../harness/wait-for.js';
import { RecordingHandler } from '../protocol/recording-handler.js';
import { SessionPair, requestHead } from '../protocol/session-pair.js';

const SERVICE = { type: 'jenkins', name: 'ci' };

let pair: SessionPair;
let forwarder: StreamForwarder;
let before: HttpTarget;
let after: HttpTarget;
/** Where the target of the service is at present. */
let endpoint: TargetEndpoint;

beforeEach(async () => {
  before = await HttpTarget.start();
  after = await HttpTarget.start();
  endpoint = before.endpoint;
  pair = await SessionPair.serving();
  forwarder = forwarderTo(() => endpoint);
  pair.dialer.accept = (stream, head) => forwarder.accept(stream, head);
});

afterEach(async () => {
  await forwarder.close();
  before.stop();
  after.stop();
});

describe('a request that undici refuses', { timeout: 120_000 }, () => {
  const cases: Record<string, Partial<RequestHead>> = {
    'a method that is none': { method: 'G T' },
    'a space in the path': { target: '/a b' },
    'a header name that is none': { headers: ['bad name', 'x'] },
    'a header value with a line end': { headers: ['X-A', 'b\r\nX-B: c'] },
    'two lengths': { headers: ['Content-Length', '0', 'Content-Length', '0'] },
  };
  for (const [what, head] of Object.entries(cases)) {
    it(`for ${what} is told as invalid`, async () => {
      const caller = await ask(head);
      assert.deepEqual(caller.events, ['reset REQUEST_INVALID']);
      assert.match(caller.errors[0]?.message ?? '', /not valid HTTP\/1\.1/);
      assert.deepEqual(before.ports, []);
    });
  }
});

describe('a request on a connection that the target has closed', { timeout: 120_000 }, () => {
  it('is sent once more', async () => {
    before.breaksNext = true;
    assert.deepEqual((await ask()).events, ['head 200', 'data', 'end']);
    assert.equal(new Set(before.ports).size, 2);
  });

  it('fails when the target is elsewhere by now, and leaves what is there alone', async () => {
    before.holdsNext = true;
    const old = open();
    await pair.settle();
    await waitFor('the request', () => before.held.length === 1);
    endpoint = after.endpoint;
    assert.deepEqual((await ask()).events, ['head 200', 'data', 'end']);
    before.held[0]?.socket?.destroy();
    await ended(old);
    assert.deepEqual(old.events, ['reset TARGET_BROKE_OFF']);
    assert.deepEqual((await ask()).events, ['head 200', 'data', 'end']);
    assert.equal(before.ports.length, 1);
    assert.equal(new Set(after.ports).size, 1);
  });
});

describe('a target that fails when its credential is there', { timeout: 120_000 }, () => {
  it('fails the request, and nothing else', async () => {
    forwarder = forwarderTo(
      () => {
        throw new TunnelError('SERVICE_NOT_CONFIGURED', 'gone meanwhile');
      },
      () => Promise.resolve('Bearer x'),
    );
    assert.deepEqual((await ask()).events, ['reset SERVICE_NOT_CONFIGURED']);
  });
});

function open(head: Partial<RequestHead> = {}): RecordingHandler {
  const caller = new RecordingHandler();
  caller.stream = pair.acceptor.session.open(requestHead({ service: SERVICE, ...head }), caller);
  return caller;
}

async function ask(head: Partial<RequestHead> = {}): Promise<RecordingHandler> {
  return ended(open(head));
}

async function ended(caller: RecordingHandler): Promise<RecordingHandler> {
  await waitFor('the end', async () => {
    await pair.settle();
    return caller.stream?.isClosed;
  });
  return caller;
}

function forwarderTo(
  current: () => TargetEndpoint,
  authorization: Target['authorization'] = () => undefined,
): StreamForwarder {
  const target: Target = {
    kind: 'generic',
    service: SERVICE,
    endpoint: current,
    authorization,
    credentialRefused: () => undefined,
  };
  const { clock } = pair;
  return new StreamForwarder({
    catalog: { find: () => ({ state: 'ready', target }), advertisements: () => [] },
    limits: {
      targetConnectTimeoutMs: 10_000,
      targetKeepAliveMs: 60_000,
      maxHeaderBytes: 16_384,
      responseHeadTimeoutMs: 0,
    },
    clock,
    log: silentLog(),
    reports: new StreamReports({
      requestLog: () => undefined,
      metrics: { requestFinished: () => undefined },
      clock,
      agent: agentName('prod'),
    }),
  });
}

/** A server that can be told what to do with its next request. */
class HttpTarget {
  readonly endpoint: TargetEndpoint;
  /** Source port of each request, in order. */
  readonly ports: number[] = [];
  readonly held: http.ServerResponse[] = [];
  breaksNext = false;
  holdsNext = false;
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    const { port } = server.address() as AddressInfo;
    this.#server = server;
    const authority = `127.0.0.1:${port}`;
    this.endpoint = { host: '127.0.0.1', port, authority, basePath: '', tls: undefined };
    server.on('request', (request, response) => this.#serve(request, response));
  }

  static async start(): Promise<HttpTarget> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HttpTarget(server);
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.ports.push(request.socket.remotePort ?? 0);
    const { breaksNext, holdsNext } = this;
    this.breaksNext = false;
    this.holdsNext = false;
    if (breaksNext) request.socket.destroy();
    else if (holdsNext) this.held.push(response);
    else response.end('x');
  }
}
