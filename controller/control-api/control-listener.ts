/**
 * The HTTPS listener of the control API (port 9003): TLS that asks for a client certificate without
 * insisting, time limits, a body limit, renewal of the server certificate, a bounded end.
 * Who may come in and what is answered is `control-api.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../shared/clock.js';
import { TunnelError } from '../../shared/errors.js';
import { listen } from '../../shared/http/listen.js';
import { setServerContext } from '../../shared/http/server-context.js';
import { clientCertificateOf } from '../../shared/intake/client-certificate.js';
import type { Log } from '../../shared/log.js';
import type { ControlApi } from './control-api.js';
import type { ControlResponse } from './control-response.js';
import type { ClientCertificate } from './operator-auth.js';

/** How the listener is set up. */
export interface ControlListenerOptions {
  readonly port: number;
  readonly bindAddress?: string | undefined;
  /** Server certificate, key and CA, PEM; asked again at each `setSecureContext`. */
  secureContext(): Pick<SecureContextOptions, 'cert' | 'key' | 'ca'>;
  readonly api: ControlApi;
  /** Larger request bodies are answered 413. */
  readonly maxBodyBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A control API that answers. */
export interface ControlListener {
  readonly port: number;
  /** Takes the new server certificate for new connections; open ones go on. */
  setSecureContext(): void;
  /** Stops listening, lets requests under way finish for up to `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** All requests are small and answered at once; whoever takes longer to send one is stuck or hostile. */
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Longer than stormdriver's polling interval of 30 s, so that it keeps its connection. */
const KEEP_ALIVE_TIMEOUT_MS = 60_000;
const CLOSE_GRACE_MS = 5_000;

/** Opens the listener. Rejects with PORT_UNAVAILABLE when the port cannot be had. */
export async function startControlListener(
  options: ControlListenerOptions,
): Promise<ControlListener> {
  const server = createServer({
    ...secureContextOf(options),
    requestCert: true,
    // Refusals are HTTP answers that say why; operator-auth.ts explains.
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  });
  setServerContext(server, secureContextOf(options));
  server.on('request', (request, response) => void serve(request, response, options));
  server.on('tlsClientError', (reason) => {
    options.log.debug({ err: reason }, 'TLS handshake at the control API failed');
  });
  const bound = await listen(server, {
    port: options.port,
    host: options.bindAddress,
    what: 'operators',
    option: 'controlListenPort',
  });
  const closed = new Promise<void>((resolve) => server.once('close', resolve));
  return {
    port: bound.port,
    setSecureContext: () => setServerContext(server, secureContextOf(options)),
    close: (graceMs = CLOSE_GRACE_MS) => closeWithin(server, closed, graceMs, options.clock),
  };
}

function secureContextOf(options: ControlListenerOptions): SecureContextOptions {
  return { ...options.secureContext(), minVersion: 'TLSv1.2' };
}

/** Answers one request; failures of the API are answers already, what is left is a caller who is gone. */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { api, maxBodyBytes, log }: ControlListenerOptions,
): Promise<void> {
  try {
    const answer = await api.handle({
      method: request.method ?? '',
      target: request.url ?? '',
      remoteAddress: request.socket.remoteAddress ?? 'unknown',
      client: clientOf(request),
      readBody: () => bodyText(request, maxBodyBytes),
    });
    send(response, answer);
    // What was not read is thrown away, so that the connection can carry the next request.
    request.resume();
  } catch (reason) {
    log.debug({ err: reason }, 'control API request broke off');
    response.destroy();
  }
}

function send(response: ServerResponse, answer: ControlResponse): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    ...answer.headers,
    'Content-Length': body.length,
    // Answers carry private keys and tokens.
    'Cache-Control': 'no-store',
  });
  response.end(body);
}

function clientOf({ socket }: IncomingMessage): ClientCertificate {
  const client = clientCertificateOf(socket);
  return { certificate: client?.certificate, chainError: client?.refusal };
}

async function bodyText(request: IncomingMessage, maxBytes: number): Promise<string> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  // Not `for await`, which would destroy the request when the limit ends it early.
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) reject(tooLarge(maxBytes));
      else chunks.push(chunk);
    });
    request.once('end', resolve);
    request.once('error', (cause) => reject(callerLeft(cause)));
    request.once('close', () => reject(callerLeft(undefined)));
  });
  return Buffer.concat(chunks).toString();
}

function tooLarge(maxBytes: number): TunnelError {
  return new TunnelError('BODY_TOO_LARGE', `the request body is larger than ${maxBytes} bytes`);
}

function callerLeft(cause: unknown): TunnelError {
  return new TunnelError('CALLER_LEFT', 'the request broke off before its end', { cause });
}

/** May be called again with less grace while the first call still waits; `closed` is one for all. */
async function closeWithin(
  server: Server,
  closed: Promise<void>,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  if (server.listening) server.close();
  server.closeIdleConnections();
  const cut = clock.after(graceMs, () => server.closeAllConnections());
  await closed;
  cut.cancel();
}
