/**
 * One HTTP/1.1 connection as bytes on a socket, for generators that must cost less than what they
 * measure. Knows responses with Content-Length only, and fails on anything unexpected.
 */
import * as net from 'node:net';
import * as tls from 'node:tls';
import { writeBody } from '../harness/scripted-target.js';
import type { Endpoint } from './endpoint.js';
import { isRightPiece } from './body-pattern.js';

/** A request of a generator. */
export interface WireRequest {
  readonly path: string;
  /** Sends so many bytes of the test body. */
  readonly uploadBytes?: number;
  /** Checks the response body against the test body. */
  readonly isPattern?: boolean;
  readonly isLast?: boolean;
}

/** A whole response. */
export interface WireResponse {
  readonly status: number;
  readonly bodyBytes: number;
  /** The body, if it fits into the first pieces. */
  readonly text: string;
}

/** Makes connections to one endpoint; its TLS context is read once. */
export class WireDialer {
  readonly #endpoint: Endpoint;
  readonly #context: tls.SecureContext | undefined;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    this.#context =
      endpoint.tls === undefined
        ? undefined
        : tls.createSecureContext({ ...endpoint.tls, minVersion: 'TLSv1.3' });
  }

  /** Connects; over TLS with a whole handshake, as a process that has just started. */
  async dial(): Promise<WireConnection> {
    const to = { port: this.#endpoint.port, host: '127.0.0.1', noDelay: true };
    const isTls = this.#context !== undefined;
    const socket = isTls
      ? tls.connect({ ...to, secureContext: this.#context, servername: 'localhost' })
      : connectPlain(to);
    await new Promise<void>((resolve, reject) => {
      socket.once(isTls ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return new WireConnection(socket, this.#endpoint);
  }
}

const READ_BYTES = 64 * 1024;

/**
 * Reads into one buffer, which the next read overwrites. Node takes new memory for each 64 KiB otherwise, and where page
 * faults are dear the generator was slower than what it measured: 184 MiB/s straight from the target, not 2,111.
 */
function connectPlain(to: net.TcpNetConnectOpts): net.Socket {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const callback = (length: number): boolean => {
    socket.emit('data', buffer.subarray(0, length));
    return true;
  };
  const socket = net.connect({ ...to, onread: { buffer, callback } });
  return socket;
}

/** Longer than any pause of a transfer that goes on. */
const SILENCE_MS = 30_000;

/** An open connection; one exchange at a time. */
export class WireConnection {
  readonly #socket: net.Socket;
  readonly #headers: string;
  #response: ResponseReader | undefined;

  constructor(socket: net.Socket, { headers }: Endpoint) {
    this.#socket = socket;
    this.#headers = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('silent for too long')));
    socket.on('data', (bytes: Buffer) => this.#response?.take(bytes));
    socket.on('error', (reason) => this.#response?.fail(reason));
    socket.on('close', () => this.#response?.fail(new Error('the connection was closed')));
  }

  /** Sends a request and waits for the whole response. */
  async exchange(request: WireRequest): Promise<WireResponse> {
    const { path, uploadBytes, isPattern = false, isLast = false } = request;
    const response = new ResponseReader(isPattern);
    this.#response = response;
    const first = uploadBytes === undefined ? `GET ${path}` : `PUT ${path}`;
    const length = uploadBytes === undefined ? '' : `Content-Length: ${uploadBytes}\r\n`;
    const close = isLast ? 'Connection: close\r\n' : '';
    this.#socket.write(
      `${first} HTTP/1.1\r\nHost: localhost\r\n${this.#headers}${length}${close}\r\n`,
    );
    if (uploadBytes !== undefined) void writeBody(this.#socket, uploadBytes);
    return response.whole;
  }

  close(): void {
    this.#response = undefined;
    this.#socket.destroy();
  }
}

const MAX_HEAD_BYTES = 64 * 1024;
const KEPT_TEXT_BYTES = 4096;

/** Reads one response. */
class ResponseReader {
  readonly whole: Promise<WireResponse>;
  readonly #isPattern: boolean;
  #finish: (response: WireResponse) => void = () => undefined;
  fail: (reason: Error) => void = () => undefined;
  #head: Buffer = Buffer.alloc(0);
  #status = 0;
  #length = -1;
  #received = 0;
  #text = '';

  constructor(isPattern: boolean) {
    this.#isPattern = isPattern;
    this.whole = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.fail = reject;
    });
  }

  take(bytes: Buffer): void {
    if (this.#length >= 0) return this.#takeBody(bytes);
    this.#head = Buffer.concat([this.#head, bytes]); // a copy, as `bytes` may be overwritten
    const end = this.#head.indexOf('\r\n\r\n');
    if (end >= 0) this.#takeHead(end);
    else if (this.#head.length > MAX_HEAD_BYTES) this.fail(new Error('the head does not end'));
  }

  #takeHead(end: number): void {
    const text = this.#head.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    this.#status = Number(text.slice(9, 12));
    if (length === undefined) return this.fail(new Error(`no Content-Length:\n${text}`));
    this.#length = Number(length);
    this.#takeBody(this.#head.subarray(end + 4));
  }

  #takeBody(bytes: Buffer): void {
    if (this.#isPattern && !isRightPiece(bytes, this.#received)) {
      return this.fail(new Error(`wrong bytes before offset ${this.#received + bytes.length}`));
    }
    if (this.#received < KEPT_TEXT_BYTES) this.#text += bytes.toString('latin1');
    this.#received += bytes.length;
    if (this.#received < this.#length) return;
    if (this.#received > this.#length) return this.fail(new Error('bytes after the body'));
    this.#finish({ status: this.#status, bodyBytes: this.#received, text: this.#text });
  }
}
