/**
 * Takes a request from the listener to its handler and turns failures into answers.
 * The order is that of an apiserver: authentication, then documents, then resources.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Fault } from './api-options.js';
import type { Cluster } from './cluster.js';
import { answerDocument } from './handlers/documents.js';
import { parseResourcePath } from './handlers/resource-path.js';
import { handleResource, resourceRequestOf } from './handlers/resource-router.js';
import type { Exchange } from './http/exchange.js';
import { parseTarget } from './http/exchange.js';
import { sendError } from './http/respond.js';
import { upgradeResponse } from './http/upgrade-response.js';
import type { OpenStreams } from './open-streams.js';
import { OpenapiDocuments } from './openapi/openapi-documents.js';
import type { RequestGate } from './request-gate.js';
import { badRequest, unauthorized } from './status-error.js';
import type { AcceptedStream, PodStreams } from './streaming/pod-streams.js';
import { isPodStream } from './streaming/pod-streams.js';

interface ApiHandlerParts {
  readonly cluster: Cluster;
  readonly gate: RequestGate;
  readonly streams: OpenStreams;
  readonly podStreams: PodStreams;
}

/** Handles every request of one server. */
export class ApiHandler {
  readonly #parts: ApiHandlerParts;
  readonly #openapi: OpenapiDocuments;

  constructor(parts: ApiHandlerParts) {
    this.#parts = parts;
    this.#openapi = new OpenapiDocuments(parts.cluster);
  }

  /** Answers a plain request. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const exchange = this.#admit(request, response);
    if (exchange === undefined) return;
    this.#answer(exchange).catch((error: unknown) => refuse(exchange, error));
  }

  /** Answers a request for an upgrade: a stream of a pod, or whatever a plain request would get. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const upgrade = upgradeResponse(request, socket);
    const exchange = upgrade && this.#admit(request, upgrade.response);
    if (upgrade === undefined || exchange === undefined) return;
    const stream = attempt(() => this.#podStream(exchange));
    if (stream.kind === 'failed') {
      refuse(exchange, stream.error);
    } else if (stream.value === undefined) {
      this.#answer(exchange).catch((error: unknown) => refuse(exchange, error));
    } else {
      upgrade.detach();
      const close = this.#parts.streams.open('upgrades');
      socket.once('close', close);
      stream.value(socket, head).catch(() => socket.destroy());
    }
  }

  /** The exchange of a request that may go on; undefined when it has been dealt with here. */
  #admit(request: IncomingMessage, response: ServerResponse): Exchange | undefined {
    const exchange = exchangeOf(request, response);
    const admission = this.#parts.gate.admit(request);
    switch (admission.kind) {
      case 'admitted':
        return { ...exchange, user: admission.user };
      case 'fault':
        answerFault(exchange, admission.fault);
        return undefined;
      case 'unauthorized':
        this.#refuseUnauthorized(exchange);
        return undefined;
    }
  }

  /** How to serve the pod stream that is asked for; undefined for any other path. Throws StatusErrors. */
  #podStream(exchange: Exchange): AcceptedStream | undefined {
    const { cluster, streams, podStreams } = this.#parts;
    if (parseResourcePath(exchange.segments) === undefined) return undefined;
    const request = resourceRequestOf(cluster, exchange, streams);
    return isPodStream(request) ? podStreams.accept(request) : undefined;
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { cluster, streams } = this.#parts;
    if (parseTarget(exchange.rawTarget) === undefined) throw badRequest('malformed request target');
    const source = { cluster, openapi: this.#openapi };
    if (await answerDocument(source, exchange)) return;
    await handleResource(resourceRequestOf(cluster, exchange, streams));
  }

  /** From 1.29 on an apiserver also gives up the h2 connection of an unauthenticated request. */
  #refuseUnauthorized(exchange: Exchange): void {
    const { response } = exchange;
    const isHttp2 = exchange.request.httpVersionMajor === 2;
    if (isHttp2 && this.#parts.cluster.minor >= 29) {
      const { session } = (response as unknown as { stream: { session?: { close(): void } } })
        .stream; // Http2ServerResponse has its stream
      response.once('finish', () => session?.close());
    }
    exchange.request.resume();
    refuse(exchange, unauthorized());
  }
}

type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { kind: 'done', value: run() };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

function refuse(exchange: Exchange, error: unknown): void {
  sendError(exchange, error).catch(() => exchange.response.destroy());
}

function exchangeOf(request: IncomingMessage, response: ServerResponse): Exchange {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const rawTarget = request.url ?? '';
  const { segments, query } = parseTarget(rawTarget) ?? {
    segments: [],
    query: new URLSearchParams(),
  };
  return {
    method: request.method ?? 'GET',
    rawTarget,
    segments,
    query,
    user: '',
    request,
    response,
    signal: gone.signal,
  };
}

function answerFault(exchange: Exchange, fault: Fault): void {
  const { request, response } = exchange;
  if (fault === 'hang') return;
  if (fault === 'destroy') {
    // For h1 this ends the connection; for h2 only the stream.
    if (request.httpVersionMajor === 2) response.destroy();
    else request.socket.destroy();
    return;
  }
  request.resume();
  response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers });
  response.end(fault.body ?? '');
}
