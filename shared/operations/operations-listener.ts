/**
 * The listener for operators' tools on port 9102: metrics, liveness, readiness, and v3.5's `/health`.
 * Plain by default, HTTPS on request, HTTPS with a client certificate for all but probes where that is asked
 * for. Started by both composition roots; knows nothing of requests and sessions.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../clock.js';
import { errorText, TunnelError } from '../errors.js';
import { listen, type BoundAddress } from '../http/listen.js';
import { setServerContext } from '../http/server-context.js';
import { LogField, type Log } from '../log.js';
import type { HealthChecks } from './health.js';
import type { Metrics } from './metrics.js';
import { whyNoScraper } from './scraper-access.js';

/** Certificate of the listener, and whose clients may see everything. */
export interface OperationsTls {
  /** Certificate and key; asked at the start and by each `setSecureContext()`. */
  secureContext(): Pick<SecureContextOptions, 'cert' | 'key'>;
  /**
   * PEM of the CAs whose client certificates are needed for metrics and reasons; probes need none. Undefined
   * needs none at all. Asked with `secureContext`; whether it is there never changes.
   */
  clientCaPem(): string | undefined;
}

/** Where to listen and what to show. */
export interface OperationsListenerOptions {
  /** `0` takes a free port. */
  readonly port: number;
  readonly bindAddress?: string | undefined;
  /** The configuration key of the port, for error texts. Default `prometheusListenPort`. */
  readonly option?: string;
  readonly tls?: OperationsTls | undefined;
  readonly metrics: Metrics;
  readonly health: HealthChecks;
  readonly clock: Clock;
  readonly log: Log;
}

/** A running listener. */
export interface OperationsListener {
  readonly address: BoundAddress;
  readonly port: number;
  /**
   * Takes a renewed certificate from `tls.secureContext()`; open connections keep the old one. Throws
   * CERTIFICATE_INVALID, and goes on with the old one.
   */
  setSecureContext(): void;
  /** Stops listening; answers under way get a second, then they are cut. */
  close(): Promise<void>;
}

/** A scrape or probe is small and quick; these bounds keep strangers from holding on to the process. */
const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 65_000, // longer than the usual scrape interval
} as const;
const MAX_CONNECTIONS = 256;
const CLOSE_TIMEOUT_MS = 1_000;
/** The listener in error texts. */
const WHAT = 'metrics and health';

/** Opens the listener. Rejects with PORT_UNAVAILABLE or CERTIFICATE_INVALID. */
export async function startOperationsListener(
  options: OperationsListenerOptions,
): Promise<OperationsListener> {
  const { server, setSecureContext } = createListenerServer(options);
  server.maxConnections = MAX_CONNECTIONS;
  const address = await listen(server, {
    port: options.port,
    host: options.bindAddress,
    what: WHAT,
    option: options.option ?? 'prometheusListenPort',
  });
  server.on('error', (err) => options.log.warn({ err }, `listener for ${WHAT} failed`));
  return {
    address,
    port: address.port,
    setSecureContext,
    close: () => closeWithin(server, CLOSE_TIMEOUT_MS),
  };
}

type ListenerServer = Pick<OperationsListener, 'setSecureContext'> & {
  readonly server: Server | TlsServer;
};

function createListenerServer(options: OperationsListenerOptions): ListenerServer {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume(); // a body has no meaning here
    void answer(options, request, response); // never rejects
  };
  const { tls } = options;
  if (tls === undefined) {
    return { server: createServer(LIMITS, onRequest), setSecureContext: () => undefined };
  }
  const server = withUsableCertificate(() =>
    createTlsServer(
      {
        ...LIMITS,
        ...secureContext(tls),
        handshakeTimeout: 5_000,
        requestCert: tls.clientCaPem() !== undefined,
        rejectUnauthorized: false, // probes have none; scraper-access.ts judges the others
      },
      onRequest,
    ),
  );
  const setSecureContext = (): void =>
    withUsableCertificate(() => setServerContext(server, secureContext(tls)));
  setSecureContext();
  return { server, setSecureContext };
}

/** The client CA belongs to the context: a renewed one without it would let nobody in. */
function secureContext(tls: OperationsTls): SecureContextOptions {
  const { cert, key } = tls.secureContext();
  const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2' };
  const ca = tls.clientCaPem();
  return ca === undefined ? context : { ...context, ca };
}

function withUsableCertificate<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const text = `the certificate, key or client CA of the listener for ${WHAT} cannot be used: ${errorText(cause)}`;
    throw new TunnelError('CERTIFICATE_INVALID', text, { cause });
  }
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** Never rejects. */
async function answer(
  options: OperationsListenerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    send(response, json(405, { error: { message: 'only GET and HEAD are answered here' } }));
    return;
  }
  const { tls, clock } = options;
  const isOpen = tls?.clientCaPem() === undefined;
  const refusal = isOpen ? undefined : whyNoScraper(request.socket, clock.now());
  try {
    send(response, await answerTo(url.replace(/\?.*$/s, ''), refusal, options));
  } catch (err) {
    options.log.warn({ err, [LogField.path]: '/metrics' }, 'metrics could not be read');
    send(response, json(500, { error: { message: 'metrics could not be read; see the log' } }));
  }
}

/** `refusal`: why the client may see no more than whether the process lives and is ready. */
async function answerTo(
  path: string,
  refusal: string | undefined,
  { metrics, health }: OperationsListenerOptions,
): Promise<Answer> {
  switch (path) {
    case '/metrics':
      if (refusal !== undefined) return notForStrangers(refusal);
      return { status: 200, type: metrics.contentType, text: await metrics.text() };
    case '/readyz':
      return readinessAnswer(health, refusal === undefined);
    case '/livez':
      // That this code runs is the proof: the event loop turns.
      return json(200, { status: 'alive' });
    case '/health':
    case '/':
      return json(200, {}); // as v3.5: always
    default:
      return json(404, {
        error: { message: 'no such page; there are /metrics, /readyz, /livez and /health' },
      });
  }
}

function notForStrangers(refusal: string): Answer {
  const message = `${refusal}; metrics need one of a CA of prometheusClientCAFile (prometheusTLS is mutual)`;
  return json(401, { error: { message } });
}

/** The reasons tell names of services and addresses, the status does not. */
function readinessAnswer(health: HealthChecks, withReasons: boolean): Answer {
  const { ready, checks } = health.readiness();
  const status = ready ? 'ready' : 'not ready';
  return json(ready ? 200 : 503, withReasons ? { status, checks } : { status });
}

/** Ends with a line end, so that a prompt stands below what curl shows. */
function json(status: number, content: object): Answer {
  return { status, type: 'application/json', text: `${JSON.stringify(content)}\n` };
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  response.end(text); // Node leaves the body out for HEAD
}

function closeWithin(server: Server | TlsServer, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), ms);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
