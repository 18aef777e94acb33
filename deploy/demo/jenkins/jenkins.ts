/**
 * A small Jenkins: the requests that igor makes of one, and probes for what a tunnel does to HTTP.
 * Target of `fairlead demo` and of the end-to-end tests; knows nothing of the tunnel.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseTarget } from '../kubernetes/http/exchange.js';
import { startListener } from '../kubernetes/http/listener.js';
import { upgradeResponse } from '../kubernetes/http/upgrade-response.js';
import { RequestRecorder } from '../kubernetes/request-recorder.js';
import {
  acceptWebSocket,
  isWebSocketRequest,
} from '../kubernetes/streaming/websocket/websocket-connection.js';
import { BuildServer } from './build-server.js';
import type { JenkinsExchange } from './jenkins-exchange.js';
import { originOf, send, sendMissing } from './jenkins-exchange.js';
import type { JenkinsOptions, JenkinsRequest } from './jenkins-options.js';
import { answerJenkins, CRUMB } from './job-routes.js';
import { answerProbe, refusesContinue } from './probe-routes.js';

/** A running demo Jenkins. */
export interface Jenkins {
  /** With the prefix, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly requests: RequestRecorder<JenkinsRequest>;
  /** TCP connections open now. */
  openSockets(): number;
  /** Ends every connection. Calling it twice is safe. */
  close(): Promise<void>;
}

/** Starts a demo Jenkins. Rejects when it cannot listen. */
export async function startJenkins(options: JenkinsOptions = {}): Promise<Jenkins> {
  const recorder = new RequestRecorder<JenkinsRequest>(options.recordedRequests ?? 10_000);
  const handler = new JenkinsHandler(options, recorder);
  const host = options.host ?? '127.0.0.1';
  const listener = await startListener({
    host,
    port: options.port ?? 0,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    maxStreams: 100,
    onRequest: (request, response) => handler.handle(request, response),
    onUpgrade: (request, socket, head) => handler.handleUpgrade(request, socket, head),
    onContinue: (request, response) => handler.handleContinue(request, response),
  });
  const scheme = options.tls === undefined ? 'http' : 'https';
  let closing: Promise<void> | undefined;
  return {
    url: `${scheme}://${host}:${listener.port}${options.prefix ?? ''}`,
    port: listener.port,
    requests: recorder,
    openSockets: () => listener.openSockets(),
    close: () => (closing ??= listener.close()),
  };
}

class JenkinsHandler {
  readonly #server: BuildServer;

  constructor(
    private readonly options: JenkinsOptions,
    private readonly recorder: RequestRecorder<JenkinsRequest>,
  ) {
    this.#server = new BuildServer({
      queueMs: options.queueMs ?? 100,
      runMs: options.runMs ?? 300,
      now: () => Date.now(),
    });
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#record(request);
    const exchange = this.#admit(request, response);
    if (exchange !== undefined) this.#answer(exchange);
  }

  /** `Expect: 100-continue`: the body is asked for unless the answer is settled without it. */
  handleContinue(request: IncomingMessage, response: ServerResponse): void {
    this.#record(request);
    const exchange = this.#admit(request, response);
    if (exchange === undefined) return;
    if (!refusesContinue(exchange.segments)) response.writeContinue();
    this.#answer(exchange);
  }

  /** A WebSocket at /ws sends back every message; other upgrades are answered as plain requests. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#record(request);
    const upgrade = upgradeResponse(request, socket);
    if (upgrade === undefined) return;
    const exchange = this.#admit(request, upgrade.response);
    if (exchange === undefined) return;
    if (exchange.segments[0] !== 'ws' || !isWebSocketRequest(request)) {
      this.#answer(exchange);
      return;
    }
    upgrade.detach();
    echoMessages(request, socket, head).catch(() => socket.destroy());
  }

  #record(request: IncomingMessage): void {
    const { method = '', url: rawTarget = '', rawHeaders, httpVersion } = request;
    const recorded = { method, rawTarget, rawHeaders, httpVersion };
    this.recorder.record(recorded);
    this.options.log?.(recorded);
  }

  /** The exchange of a request that may go on; undefined when it has been answered here. */
  #admit(request: IncomingMessage, response: ServerResponse): JenkinsExchange | undefined {
    const { prefix = '', requiresCrumb = false } = this.options;
    const target = parseTarget(request.url ?? '');
    const prefixSegments = prefix.split('/').filter((segment) => segment !== '');
    const isBelow = prefixSegments.every((segment, index) => target?.segments[index] === segment);
    if (target === undefined || !isBelow) {
      request.resume();
      sendMissing(response);
    } else if (!this.#isAuthorized(request)) {
      request.resume();
      send(response, 401, 'text/html;charset=utf-8', '<html><body>Unauthorized</body></html>\n', {
        'WWW-Authenticate': 'Basic realm="Jenkins"',
      });
    } else if (
      requiresCrumb &&
      request.method === 'POST' &&
      request.headers['jenkins-crumb'] !== CRUMB
    ) {
      request.resume();
      send(
        response,
        403,
        'text/html;charset=utf-8',
        'No valid crumb was included in the request\n',
      );
    } else {
      const segments = target.segments.slice(prefixSegments.length);
      const origin = originOf(request) + prefix;
      return { request, response, segments, query: target.query, origin };
    }
    return undefined;
  }

  #isAuthorized(request: IncomingMessage): boolean {
    const { user = '', token } = this.options;
    if (token === undefined) return true;
    const given = request.headers.authorization ?? '';
    const basic = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
    return isSame(given, basic) || isSame(given, `Bearer ${token}`);
  }

  #answer(exchange: JenkinsExchange): void {
    const run = async () => {
      if (!(await answerProbe(exchange))) await answerJenkins(this.#server, exchange);
    };
    // A caller that leaves in the middle of a body ends up here.
    run().catch(() => exchange.response.destroy());
  }
}

async function echoMessages(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const connection = acceptWebSocket(request, socket, head);
  for await (const message of connection.messages()) await connection.send(message);
  socket.end();
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
