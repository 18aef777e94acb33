/**
 * A target that keeps every request as its bytes came and answers with the bytes a test gives: plain, TLS
 * or mutual TLS. Knows no HTTP beyond finding where a request ends.
 */
import * as net from 'node:net';
import * as tls from 'node:tls';
import { readBody, readHead, requestFraming } from './http-message.js';
import type { HttpHead, HttpMessage } from './http-message.js';
import { waitFor } from './wait-for.js';

/** A request as it came. */
export interface TargetRequest extends HttpMessage {
  readonly method: string;
  /** Raw request target. */
  readonly target: string;
  /** Which connection it came over, counted from 1. */
  readonly connection: number;
  /** Common name of the client certificate, for mutual TLS. */
  readonly clientName: string | undefined;
}

/** What a test does with a request: bytes to send, or its own hands on the connection. */
export type Answer = string | Buffer | ((socket: net.Socket) => void);

/** How a target is set up. */
export interface TargetOptions {
  readonly tls?: tls.TlsOptions;
}

/** A scripted server. */
export class RecordingTarget {
  /** Requests in the order in which they were complete. */
  readonly requests: TargetRequest[] = [];
  /** Decides on the answer once a request is complete; by default an empty 200. */
  answer: (request: TargetRequest) => Answer = () => answerOf(200);
  /** Called when a head is there and its body is not yet; what it returns is sent at once. */
  onHead: ((head: HttpHead) => Answer | undefined) | undefined;
  /** Called with each new connection, before anything of it is read. */
  onConnection: ((socket: net.Socket) => void) | undefined;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #connections = 0;

  static async start(options: TargetOptions = {}): Promise<RecordingTarget> {
    const target = new RecordingTarget(options);
    await new Promise<void>((resolve) => target.#server.listen(0, '127.0.0.1', resolve));
    return target;
  }

  private constructor({ tls: secure }: TargetOptions) {
    const serve = (socket: net.Socket): void => this.#serve(socket);
    this.#server =
      secure === undefined
        ? net.createServer({ allowHalfOpen: true, noDelay: true }, serve)
        : tls.createServer({ ...secure, noDelay: true }, serve);
    // a TLS handshake that fails is what some tests are about
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections accepted so far (for TLS: handshakes completed). */
  get connections(): number {
    return this.#connections;
  }

  /** Connections open now. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** The one request since the last call of `forget`, when it is complete. */
  async request(): Promise<TargetRequest> {
    return waitFor('a request at the target', () => this.requests[0]);
  }

  /** Forgets what was recorded and how to answer. */
  forget(): void {
    this.requests.length = 0;
    this.answer = () => answerOf(200);
    this.onHead = undefined;
    this.onConnection = undefined;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: net.Socket): void {
    const connection = ++this.#connections;
    const clientName = socket instanceof tls.TLSSocket ? commonName(socket) : undefined;
    let waiting = Buffer.alloc(0);
    let headSeen: HttpHead | undefined;
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    this.onConnection?.(socket);
    socket.on('data', (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
      for (;;) {
        const head = headSeen ?? readHead(waiting);
        if (head === undefined) return;
        if (headSeen === undefined) {
          headSeen = head;
          give(socket, this.onHead?.(head));
        }
        const content = readBody(
          waiting.subarray(head.bodyAt),
          requestFraming(head.headers),
          false,
        );
        if (content === undefined) return;
        const { body, trailers, endAt } = content;
        waiting = waiting.subarray(head.bodyAt + endAt);
        headSeen = undefined;
        const [method = '', target = ''] = head.startLine.split(' ');
        const request = { ...head, body, trailers, method, target, connection, clientName };
        this.requests.push(request);
        give(socket, this.answer(request));
      }
    });
  }
}

/** A response as text: status, headers (names and values in turn), body with its Content-Length. */
export function answerOf(status: number, headers: readonly string[] = [], body = ''): string {
  const lines = headers.flatMap((name, i) =>
    i % 2 === 0 ? [`${name}: ${headers[i + 1] ?? ''}`] : [],
  );
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return [`HTTP/1.1 ${status} ${reasonOf(status)}`, ...lines, length, '', body].join('\r\n');
}

function reasonOf(status: number): string {
  const reasons: Record<number, string> = { 200: 'OK', 201: 'Created', 302: 'Found' };
  return reasons[status] ?? 'Status';
}

function give(socket: net.Socket, answer: Answer | undefined): void {
  if (answer === undefined || socket.destroyed) return;
  if (typeof answer === 'function') answer(socket);
  else socket.write(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer);
}

function commonName(socket: tls.TLSSocket): string | undefined {
  return /^CN=(.*)$/m.exec(socket.getPeerX509Certificate()?.subject ?? '')?.[1];
}
