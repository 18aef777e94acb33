/**
 * Callers that behave as badly as they like: read at a pace of their own or not at all, and leave when it
 * suits them. HTTP/1.1 (or 1.0) as raw bytes over TLS, and HTTP/2 by Node's client.
 */
import * as http2 from 'node:http2';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { resetConnection } from '../../shared/http/reset-connection.js';

/** Where to call and as whom. */
export interface CallerIdentity {
  readonly port: number;
  readonly ca: string;
  readonly token: string;
}

/** What to ask. */
export interface CallerRequest {
  readonly path: string;
  readonly method?: string;
  /** Header lines beside Host and the token. */
  readonly headers?: readonly string[];
  readonly version?: '1.0' | '1.1';
  /** Bytes sent in the same packet as the head. */
  readonly first?: Buffer;
  /** Leaves what arrives in the kernel's buffers. */
  readonly isStopped?: boolean;
}

/** How a connection ended: `end` for an orderly close, `reset` for anything else. */
export type Ending = 'end' | 'reset';

/** How long after an end the error may come that shows it to be a reset, where no close tells before. */
const ERROR_FOLLOWS_MS = 500;

/** One HTTP/1 request on a connection of its own; `alpn` undefined offers none, as kubectl's upgrades. */
export class RawCaller {
  readonly socket: tls.TLSSocket;
  /** Resolves when the connection is over, with how it ended for the reader. */
  readonly ended: Promise<Ending>;
  /** Called with what arrives. */
  onBytes: ((bytes: Buffer) => void) | undefined;
  readonly #plain: net.Socket;
  #received = 0;
  #parts: Buffer[] = [];
  #ending: Ending | undefined;
  /** Whether to keep what arrives, for `text`; off once a reader of its own is set. */
  isKeeping = true;

  static async connect(identity: CallerIdentity, alpn?: readonly string[]): Promise<RawCaller> {
    const plain = net.connect({ port: identity.port, host: '127.0.0.1', allowHalfOpen: true });
    const socket = tls.connect({
      socket: plain,
      ca: identity.ca,
      servername: 'localhost',
      ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      plain.once('error', reject);
    });
    socket.setNoDelay(true);
    return new RawCaller(socket, plain);
  }

  /** Connects and sends a request. */
  static async ask(identity: CallerIdentity, request: CallerRequest): Promise<RawCaller> {
    const caller = await RawCaller.connect(identity);
    if (request.isStopped === true) caller.stop();
    caller.send(identity, request);
    return caller;
  }

  private constructor(socket: tls.TLSSocket, plain: net.Socket) {
    this.socket = socket;
    this.#plain = plain;
    plain.on('error', () => (this.#ending ??= 'reset'));
    socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.length;
      if (this.isKeeping) this.#parts.push(bytes);
      this.onBytes?.(bytes);
    });
    this.ended = new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const over = (ending: Ending): void => {
        clearTimeout(timer);
        this.#ending ??= ending;
        resolve(this.#ending);
      };
      let isEnd = false;
      // when a write is the first to learn of a reset, the next read sees an end, and the write's error comes a little later
      socket.on('end', () => {
        isEnd = true;
        timer = setTimeout(() => over('end'), ERROR_FOLLOWS_MS);
      });
      socket.on('error', () => over('reset'));
      socket.on('close', () => over(isEnd ? 'end' : 'reset'));
    });
  }

  /** Sends a request head. */
  send(identity: CallerIdentity, request: CallerRequest): void {
    const { method = 'GET', path, headers = [], version = '1.1', first } = request;
    const lines = [
      `${method} ${path} HTTP/${version}`,
      'Host: localhost',
      `X-Opsmx-Token: ${identity.token}`,
      ...headers,
    ];
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    this.socket.write(first === undefined ? head : Buffer.concat([head, first]));
  }

  /** Bytes received so far, heads included. */
  get received(): number {
    return this.#received;
  }

  /** What has been received, as bytes. */
  get bytes(): Buffer {
    this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] ?? Buffer.alloc(0);
  }

  /** What has been received, as text. */
  get text(): string {
    return this.bytes.toString('latin1');
  }

  /** Forgets what has been received. */
  forget(): void {
    this.#parts = [];
  }

  /** Stops reading: the kernel's buffers fill, then the sender's. */
  stop(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Reads about so many bytes a second, in pieces of a TLS record. Returns the way to stop. */
  readAt(bytesPerSecond: number): () => void {
    const everyMs = 100;
    let allowed = 0;
    this.socket.pause();
    this.onBytes = (bytes) => {
      allowed -= bytes.length;
      if (allowed <= 0) this.socket.pause();
    };
    const timer = setInterval(() => {
      allowed = Math.min(allowed + (bytesPerSecond * everyMs) / 1000, bytesPerSecond);
      if (allowed > 0) this.socket.resume();
    }, everyMs);
    return () => clearInterval(timer);
  }

  /** Breaks the connection with a reset. */
  breakOff(): void {
    resetConnection(this.#plain, this.socket);
  }

  /** Leaves at once: as a process that ends, its kernel closes what it had open. */
  leave(): void {
    this.socket.destroy();
  }
}

/** An HTTP/2 connection of a caller. */
export class Http2Caller {
  readonly session: http2.ClientHttp2Session;
  readonly #identity: CallerIdentity;

  static async connect(identity: CallerIdentity): Promise<Http2Caller> {
    const session = http2.connect(`https://localhost:${identity.port}`, {
      ca: identity.ca,
      lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    session.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.once('error', reject);
    });
    return new Http2Caller(session, identity);
  }

  private constructor(session: http2.ClientHttp2Session, identity: CallerIdentity) {
    this.session = session;
    this.#identity = identity;
  }

  /** Opens a stream; `hasBody` leaves our half open. */
  open(path: string, method = 'GET', hasBody = false): http2.ClientHttp2Stream {
    const stream = this.session.request(
      { ':path': path, ':method': method, 'x-opsmx-token': this.#identity.token },
      { endStream: !hasBody },
    );
    stream.on('error', () => undefined); // rstCode tells
    return stream;
  }

  close(): void {
    this.session.destroy();
  }
}

/** Status of an HTTP/2 response. */
export function http2Status(stream: http2.ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(Number(headers[':status'])));
    stream.once('close', () => reject(new Error(`stream closed (${stream.rstCode ?? '?'})`)));
  });
}
