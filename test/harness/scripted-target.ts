/**
 * A target whose answer to each path is written by the test: bodies of any size at the reader's pace,
 * endless streams of events, raw protocol switches. Counts requests and open connections, and tells when
 * the connection of a request is gone.
 */
import { createHash } from 'node:crypto';
import * as http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { resetConnection } from '../../shared/http/reset-connection.js';
import { waitFor } from './wait-for.js';

/** One request at the target. */
export interface TargetCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Its connection. */
  readonly socket: Socket;
  readonly url: URL;
}

/** A request to switch protocols. */
export interface TargetSwitch {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that came with the request. */
  readonly first: Buffer;
}

/** How a target is set up. */
export interface ScriptedTargetOptions {
  /** Port to take; default a free one. */
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A server that answers as scripted. */
export class ScriptedTarget {
  /** Answers a path (without its query). */
  readonly on = new Map<string, (call: TargetCall) => void>();
  /** Answers requests to switch protocols. */
  onSwitch: ((call: TargetSwitch) => void) | undefined;
  /** Method and raw target of each request, in order. */
  readonly seen: string[] = [];
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();

  static async start(options: ScriptedTargetOptions = {}): Promise<ScriptedTarget> {
    const target = new ScriptedTarget(options);
    await new Promise<void>((resolve) => {
      target.#server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return target;
  }

  private constructor({ tls }: ScriptedTargetOptions) {
    const settings = { noDelay: true, keepAliveTimeout: 60_000, requestTimeout: 0 };
    this.#server =
      tls === undefined
        ? http.createServer(settings)
        : https.createServer({ ...settings, ...tls, ...{ allowHalfOpen: true } });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    this.#server.on('request', (request, response) => this.#serve(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, first: Buffer) => {
      this.#note(request);
      socket.on('error', () => undefined);
      if (this.onSwitch === undefined) socket.destroy();
      else this.onSwitch({ request, socket, first });
    });
    this.on.set('/ok', ({ response }) => response.end('ok'));
    this.on.set('/body', serveBody);
    this.on.set('/upload', takeUpload);
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections open now, kept-alive ones included. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** How often `METHOD target` was asked. */
  count(line: string): number {
    return this.seen.filter((one) => one === line).length;
  }

  /** Entry for `outgoingServices` of type jenkins. */
  service(name: string): unknown {
    const url = `http://127.0.0.1:${this.port}`;
    return { enabled: true, type: 'jenkins', name, config: { url } };
  }

  /** Waits for the next request to a path and takes it over. */
  async take(path: string): Promise<TargetCall> {
    let call: TargetCall | undefined;
    this.on.set(path, (given) => (call = given));
    return waitFor(`a request to ${path}`, () => call);
  }

  /** Waits for the next request to switch protocols and takes it over. */
  async takeSwitch(): Promise<TargetSwitch> {
    let call: TargetSwitch | undefined;
    this.onSwitch = (given) => (call = given);
    return waitFor('a request to switch protocols', () => call);
  }

  /** Breaks all connections with a reset, as a target that is killed. */
  cut(): void {
    for (const socket of this.#sockets) resetConnection(socket);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #note(request: IncomingMessage): void {
    this.seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#note(request);
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    const url = new URL(request.url ?? '/', 'http://target');
    const answer = this.on.get(url.pathname);
    if (answer !== undefined) answer({ request, response, socket: request.socket, url });
    else {
      response.statusCode = 404;
      response.end();
    }
  }
}

const BLOCK_BYTES = 64 * 1024;
/** Bytes in which every cut, loss or swap shows in a hash. */
const PATTERN = Buffer.alloc(BLOCK_BYTES + 256);
for (let i = 0; i < PATTERN.length; i++) PATTERN[i] = (i * 31 + (i >> 8) * 7) & 0xff;

/** Block number `index` of the test body; no two in a row are alike. */
export function block(index: number): Buffer {
  return PATTERN.subarray(index % 256, (index % 256) + BLOCK_BYTES);
}

/** SHA-256 of the first `bytes` of the test body. */
export function bodyHash(bytes: number): string {
  const hash = createHash('sha256');
  for (let index = 0; index * BLOCK_BYTES < bytes; index++) {
    hash.update(block(index).subarray(0, bytes - index * BLOCK_BYTES));
  }
  return hash.digest('hex');
}

/** What can be written to at the reader's pace. */
export interface Sink {
  write(bytes: Buffer): boolean;
  once(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
  readonly destroyed: boolean;
}

/** Writes the test body at the reader's pace; resolves with the bytes written. */
export async function writeBody(
  sink: Sink,
  bytes: number,
  onWritten: (total: number) => void = () => undefined,
): Promise<number> {
  let total = 0;
  for (let index = 0; total < bytes && !sink.destroyed; index++) {
    const piece = block(index).subarray(0, bytes - total);
    total += piece.length;
    const isRoom = sink.write(piece);
    onWritten(total);
    if (!isRoom) await drained(sink);
  }
  return total;
}

/** Waits until a count that grew has not moved for a while: whoever moves it is held back. */
export async function heldBack(count: () => number): Promise<number> {
  let before = -1;
  let still = 0;
  return waitFor(
    'the sender to be held back',
    async () => {
      await delay(150);
      still = count() === before ? still + 1 : 0;
      before = count();
      return before > 0 && still >= 5 ? before : undefined;
    },
    40_000,
  );
}

function drained(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      sink.off('close', done);
      resolve();
    };
    sink.once('drain', done);
    sink.once('close', done);
  });
}

/** `/body?bytes=N[&framed=1]`: N bytes of the test body, chunked or (framed) with their length. */
function serveBody({ response, url }: TargetCall): void {
  const bytes = Number(url.searchParams.get('bytes'));
  if (url.searchParams.has('framed')) response.setHeader('Content-Length', bytes);
  void writeBody(response, bytes).then((total) => {
    if (total >= bytes) response.end();
  });
}

/** `/upload`: answers with length and hash of what was sent. */
function takeUpload({ request, response }: TargetCall): void {
  const hash = createHash('sha256');
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
    hash.update(piece);
  });
  request.on('end', () => response.end(JSON.stringify({ bytes, sha256: hash.digest('hex') })));
}
