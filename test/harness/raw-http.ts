/**
 * HTTP clients that send exactly the bytes a test writes and show exactly what came back: HTTP/1 over
 * TCP or TLS, with or without ALPN, and HTTP/2 with its fields as the wire had them.
 */
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { readBody, readHead, responseFraming } from './http-message.js';
import type { HttpMessage } from './http-message.js';

/** How TLS is made. */
export interface ClientTls {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly alpn?: readonly string[];
  /** SNI; default `localhost`. */
  readonly serverName?: string;
  readonly maxVersion?: tls.SecureVersion;
}

/** Where to connect. */
export interface ClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly tls?: ClientTls;
}

/** A final response, and the 1xx ones before it. */
export interface RawResponse extends HttpMessage {
  readonly status: number;
  readonly reason: string;
  readonly text: string;
  readonly informational: readonly { readonly status: number; readonly headers: string[] }[];
}

const WAIT_MS = 15_000;

/** One connection for HTTP/1. */
export class RawClient {
  readonly socket: net.Socket;
  #received: Buffer = Buffer.alloc(0);
  #ending: 'end' | 'reset' | undefined;
  #look: () => void = () => undefined;

  static async connect({
    port,
    host = '127.0.0.1',
    tls: secure,
  }: ClientOptions): Promise<RawClient> {
    const plain = net.connect({ port, host, noDelay: true, allowHalfOpen: true });
    if (secure === undefined) {
      const client = new RawClient(plain);
      await happening(plain, 'connect');
      return client;
    }
    const { alpn, serverName = 'localhost', ca, cert, key, maxVersion } = secure;
    const socket = tls.connect({
      socket: plain,
      ca,
      servername: serverName,
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
      // names are the business of tests about names
      checkServerIdentity: () => undefined,
    });
    const client = new RawClient(socket);
    await happening(socket, 'secureConnect');
    return client;
  }

  private constructor(socket: net.Socket) {
    this.socket = socket;
    const ended = (ending: 'end' | 'reset'): void => {
      this.#ending ??= ending;
      this.#look();
    };
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#look();
    });
    socket.on('end', () => ended('end'));
    socket.on('error', () => ended('reset'));
    socket.on('close', () => ended('reset'));
  }

  /** Protocol that ALPN chose; undefined without ALPN. */
  get protocol(): string | undefined {
    const chosen = this.socket instanceof tls.TLSSocket ? this.socket.alpnProtocol : undefined;
    return typeof chosen === 'string' ? chosen : undefined;
  }

  /** Bytes that came and are not taken yet. */
  get received(): Buffer {
    return this.#received;
  }

  /** How the peer ended the connection, if it did. */
  get ending(): 'end' | 'reset' | undefined {
    return this.#ending;
  }

  /** Sends bytes; text as latin1. */
  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Takes the next whole response. Rejects when the connection ends before it is whole. */
  async response(method = 'GET'): Promise<RawResponse> {
    return this.until(`a response to ${method}`, () => {
      const taken = takeResponse(this.#received, method, this.#ending === 'end');
      if (taken === undefined) return undefined;
      this.#received = taken.rest;
      return taken.response;
    });
  }

  /** Sends a request and takes its response. */
  async exchange(request: string | Buffer, method?: string): Promise<RawResponse> {
    this.send(request);
    const text = request.toString('latin1');
    return this.response(method ?? text.slice(0, text.indexOf(' ')));
  }

  /** Waits for what `look` finds in what was received. Rejects when the connection ends without it. */
  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#look = () => undefined;
      };
      const fail = (why: string): void => {
        finish();
        const seen = JSON.stringify(this.#received.toString('latin1').slice(0, 600));
        reject(new Error(`${what}: ${why}; received ${seen}`));
      };
      const timer = setTimeout(() => fail(`not within ${WAIT_MS} ms`), WAIT_MS);
      this.#look = () => {
        const found = look();
        if (found !== undefined) {
          finish();
          resolve(found);
        } else if (this.#ending !== undefined) fail(`the connection ended (${this.#ending})`);
      };
      this.#look();
    });
  }

  /** Waits for the peer to end the connection; what had come until then, and how it ended. */
  async closed(): Promise<{ bytes: Buffer; ending: 'end' | 'reset' }> {
    const ending = await this.until('the end of the connection', () => this.#ending);
    return { bytes: this.#received, ending };
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function takeResponse(
  received: Buffer,
  method: string,
  isEnded: boolean,
): { response: RawResponse; rest: Buffer } | undefined {
  const informational: { status: number; headers: string[] }[] = [];
  let rest = received;
  for (;;) {
    const head = readHead(rest);
    if (head === undefined) return undefined;
    const [, statusText = '', ...reason] = head.startLine.split(' ');
    const status = Number(statusText);
    rest = rest.subarray(head.bodyAt);
    if (status < 200 && status !== 101) {
      informational.push({ status, headers: head.headers });
      continue;
    }
    const content = readBody(rest, responseFraming(head, method), isEnded);
    if (content === undefined) return undefined;
    const { body, trailers } = content;
    const facts = { status, reason: reason.join(' '), body, trailers, informational };
    const response = { ...head, ...facts, text: body.toString() };
    return { response, rest: rest.subarray(content.endAt) };
  }
}

function happening(socket: net.Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`closed before ${event}`)));
  });
}

/** A response over HTTP/2. */
export interface Http2Response {
  readonly status: number;
  /** Without pseudo-headers. */
  readonly headers: string[];
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: string[];
  readonly informational: readonly { readonly status: number; readonly headers: string[] }[];
  /** Code of RST_STREAM; 0 for a stream that ended as it should. */
  readonly resetCode: number;
}

/** What is sent with a request. */
export interface Http2Body {
  readonly body?: Buffer | string;
  readonly trailers?: http2.OutgoingHttpHeaders;
  /** How long the body waits after the head. */
  readonly delayMs?: number;
}

/** One HTTP/2 connection. */
export class Http2Client {
  readonly session: http2.ClientHttp2Session;

  static async connect({
    port,
    host = '127.0.0.1',
    tls: secure,
  }: ClientOptions): Promise<Http2Client> {
    const { ca, cert, key, serverName = 'localhost' } = secure ?? { ca: '' };
    const session = http2.connect(`https://${host}:${port}`, {
      ca,
      servername: serverName,
      ALPNProtocols: ['h2'],
      allowPartialTrustChain: true, // as Go's clients
      maxHeaderListPairs: 4000,
      maxSendHeaderBlockLength: 1024 * 1024,
      settings: { maxHeaderListSize: 1024 * 1024 },
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      checkServerIdentity: () => undefined,
    });
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.once('error', reject);
    });
    session.on('error', () => undefined);
    return new Http2Client(session);
  }

  private constructor(session: http2.ClientHttp2Session) {
    this.session = session;
  }

  /** Sends a request and waits for its end, good or bad. Arrays in headers are repeated fields. */
  async request(headers: http2.OutgoingHttpHeaders, sent: Http2Body = {}): Promise<Http2Response> {
    const { body, trailers, delayMs = 0 } = sent;
    const endStream = body === undefined && trailers === undefined;
    const waitForTrailers = trailers !== undefined;
    const stream = this.session.request(
      { ':method': 'GET', ...headers },
      { endStream, waitForTrailers },
    );
    if (waitForTrailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (delayMs > 0) setTimeout(() => stream.end(body), delayMs);
    else if (!endStream) stream.end(body);
    return collected(stream);
  }

  close(): void {
    this.session.destroy();
  }
}

/** Waits for the end of a stream. */
export function collected(stream: http2.ClientHttp2Stream): Promise<Http2Response> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const informational: { status: number; headers: string[] }[] = [];
    let status = 0;
    let headers: string[] = [];
    let trailers: string[] = [];
    type Fields = [http2.IncomingHttpHeaders, number, string[]?];
    stream.on('headers', (...[fields, , raw]: Fields) => {
      informational.push({ status: Number(fields[':status']), headers: plain(raw) });
    });
    stream.on('response', (...[fields, , raw]: Fields) => {
      status = Number(fields[':status']);
      headers = plain(raw);
    });
    stream.on('trailers', (...[, , raw]: Fields) => {
      trailers = raw ?? [];
    });
    stream.on('data', (bytes: Buffer) => parts.push(bytes));
    stream.on('error', () => undefined); // resetCode tells
    const timer = setTimeout(() => reject(new Error(`no end within ${WAIT_MS} ms`)), WAIT_MS);
    stream.on('close', () => {
      clearTimeout(timer);
      const body = Buffer.concat(parts);
      const resetCode = stream.rstCode ?? 0;
      resolve({ status, headers, body, text: body.toString(), trailers, informational, resetCode });
    });
  });
}

function plain(raw: readonly string[] = []): string[] {
  return raw.filter((_, i) => raw[i - (i % 2)]?.startsWith(':') !== true);
}
