/**
 * What a caller sees of a TunnelError: the one table from error to status, headers and body (design 4).
 * Used by the service listeners of both ends and by the control API. Which status kubectl can show how
 * was measured with kubectl 1.20 to 1.33; the reasons stand beside the rules below.
 */
import type { Hop, TunnelError } from '../errors.js';
import type { RequestId } from '../ids.js';
import { printableText } from '../operations/printable-text.js';
import { headerValue, headerValues, type HeaderList } from './header-list.js';

/** The request that failed, as far as the form of the answer depends on it. */
export interface FailedRequest {
  readonly method: string;
  /** Raw target, with or without the route's path prefix. */
  readonly rawTarget: string;
  readonly headers: HeaderList;
  /** Type of the route's service; undefined while no credential has named a route. */
  readonly serviceType: string | undefined;
  readonly requestId: RequestId;
}

/** The answer. `body` is empty for HEAD, while Content-Length says what GET would get. */
export interface ErrorResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** The answer to a request that ended with `error` before its response head was sent. */
export function errorResponse(error: TunnelError, request: FailedRequest): ErrorResponse {
  const text = callerText(error, request.requestId);
  const content = contentFor(error, request, text);
  const body = Buffer.from(content.text);
  return {
    status: content.status,
    headers: [
      ...['Content-Type', content.type],
      ...['Content-Length', String(body.length)],
      ...['Cache-Control', 'no-store'],
      ...['X-Fairlead-Error', error.code],
      ...['X-Request-Id', request.requestId],
      ...challengeHeaders(content.status),
      ...retryHeaders(error, content.status),
      ...(content.isKubernetes ? ['Warning', warningValue(text)] : []),
    ],
    body: request.method === 'HEAD' ? Buffer.alloc(0) : body,
  };
}

interface Content {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly isKubernetes: boolean;
}

function contentFor(error: TunnelError, request: FailedRequest, text: string): Content {
  const { status } = error.kind;
  if (!isForKubernetes(request)) {
    return {
      status,
      type: 'application/json',
      text: plainError(error, request, text),
      isKubernetes: false,
    };
  }
  if (isDiscovery(request.rawTarget)) {
    const shown = discoveryStatus(status);
    return {
      status: shown,
      type: 'text/plain; charset=utf-8',
      text: `${text}\n`,
      isKubernetes: true,
    };
  }
  // Upgrades (exec, port-forward) get the same answer: kubectl tries WebSocket, then SPDY, and shows
  // the Status of the second try.
  return { status, type: 'application/json', text: statusObject(error, text), isKubernetes: true };
}

/** Longest text that goes out; messages of ours are far shorter, names in them may not be. */
const MAX_TEXT_CHARS = 600;

/** Where each hop is, in words that a pipeline's author understands. */
const HOP_TEXTS = {
  caller: 'in the request',
  controller: 'at the controller',
  link: 'between controller and agent',
  agent: 'at the agent',
  target: 'between agent and target',
  operator: 'in the configuration',
} as const satisfies Record<Hop, string>;

/** `fairlead: agent "prod-eu" is not connected (at the agent; AGENT_NOT_CONNECTED; request 3f-1)`. */
function callerText(error: TunnelError, requestId: RequestId): string {
  const message = printableText(error.message, MAX_TEXT_CHARS);
  const where = HOP_TEXTS[error.kind.hop];
  return withoutDecidingWords(
    `fairlead: ${message} (${where}; ${error.code}; request ${requestId})`,
  );
}

/**
 * clouddriver reads these two words on kubectl's stderr as "the object is gone" and "no permission".
 * No message of ours has them; one that quotes a foreign text might.
 */
function withoutDecidingWords(text: string): string {
  return text.replace(/not ?found/gi, 'absent').replace(/forbidden/gi, 'refused');
}

/** v3.5's envelope `{"error":{"message"}}` with the facts beside the message. */
function plainError(error: TunnelError, request: FailedRequest, text: string): string {
  const { code, kind } = error;
  const { requestId } = request;
  return JSON.stringify({ error: { message: text, code, hop: kind.hop, requestId } });
}

/** A Kubernetes Status, which every kubectl prints well after discovery. */
function statusObject(error: TunnelError, message: string): string {
  const { status, hop } = error.kind;
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: statusReason(status),
    details: {
      causes: [{ reason: error.code, message: HOP_TEXTS[hop] }],
      ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
    },
    code: status,
  });
}

/**
 * kubectl prints `Error from server (REASON): message`, and clouddriver decides by some reasons of
 * Kubernetes, so 403 has a reason of our own.
 */
function statusReason(status: number): string {
  switch (status) {
    case 400:
      return 'BadRequest';
    case 401:
      return 'Unauthorized';
    case 403:
      return 'RefusedByPolicy';
    case 413:
      return 'RequestEntityTooLarge';
    case 429:
      return 'TooManyRequests';
    case 502:
      return 'BadGateway';
    case 503:
      return 'ServiceUnavailable';
    case 504:
      return 'Timeout';
    default:
      return status >= 500 ? 'InternalError' : 'BadRequest';
  }
}

/**
 * kubectl drops the message of a Status during discovery, and the text of 503 and 504; with 502 it
 * prints a plain text. A 403 there makes client-go believe in an empty API group, and cache that.
 * 401 and 429 keep their meaning (log in; try again), and Warning carries the text.
 */
function discoveryStatus(status: number): number {
  return status === 403 || status === 503 || status === 504 ? 502 : status;
}

const ROUTE_PREFIX = /^\/agents\/[^/?]+\/([^/?]+)\/[^/?]+(?=[/?]|$)/;
/** `/api`, `/apis`, their group-version lists (but nothing inside a group version), /openapi…, /version. */
const DISCOVERY_PATH =
  /^\/(?:api(?:\/[^/?]+)?|apis(?:\/[^/?]+){0,2}|openapi(?:\/[^?]*)?|swagger[^/?]*|version)\/?(?:\?|$)/;
const KUBERNETES_PATH = /^\/(?:apis?|openapi|version)(?:[/?]|$)/;

function isDiscovery(rawTarget: string): boolean {
  return DISCOVERY_PATH.test(rawTarget.replace(ROUTE_PREFIX, ''));
}

/** By the route; while there is none (credential missing or refused), by what the caller looks like. */
function isForKubernetes(request: FailedRequest): boolean {
  if (request.serviceType !== undefined) return request.serviceType === 'kubernetes';
  const prefix = ROUTE_PREFIX.exec(request.rawTarget);
  if (prefix !== null) return prefix[1] === 'kubernetes';
  return (
    KUBERNETES_PATH.test(request.rawTarget) ||
    headerValue(request.headers, 'kubectl-command') !== undefined ||
    headerValues(request.headers, 'accept').some((accept) => accept.includes('k8s.io'))
  );
}

function challengeHeaders(status: number): HeaderList {
  if (status !== 401) return [];
  return [
    ...['WWW-Authenticate', 'Basic realm="fairlead", charset="UTF-8"'],
    ...['WWW-Authenticate', 'Bearer realm="fairlead"'],
  ];
}

/**
 * kubectl repeats every request up to ten times when it sees Retry-After, so it is sent only for a
 * short gap that is known to end, and with 429.
 */
function retryHeaders(error: TunnelError, status: number): HeaderList {
  const seconds = error.retryAfterSeconds ?? (status === 429 ? 1 : undefined);
  return seconds === undefined ? [] : ['Retry-After', String(Math.max(1, Math.ceil(seconds)))];
}

/**
 * A Warning (RFC 7234 5.5), which kubectl prints whatever becomes of the body. Go reads the quoted
 * text as UTF-8 while header values here are latin1 strings, hence the conversion.
 */
function warningValue(text: string): string {
  const quoted = text.replace(/["\\]/g, '\\$&');
  return `299 fairlead "${Buffer.from(quoted).toString('latin1')}"`;
}
