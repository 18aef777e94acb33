/**
 * What a request must be to be forwarded: origin-form target, limits kept, no tunnelling of its own.
 * Ambiguous framing (CL+TE, duplicate CL) is refused by Node's parser before this.
 */
import type { IncomingMessage } from 'node:http';
import { TunnelError } from '../errors.js';
import { headerBytes, headerCount } from '../http/header-list.js';
import { PROTOCOL_LIMITS } from '../protocol/frame.js';
import type { CallerExchange } from './caller-exchange.js';
import { hasRequestBody } from './http1-exchange.js';

/** The limits of a request head. */
interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxTargetBytes: number;
}

/** What is wrong with an HTTP/1 request line and Host, or undefined. */
export function http1Fault(
  request: Pick<IncomingMessage, 'httpVersion' | 'rawHeaders'>,
): TunnelError | undefined {
  const { httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return new TunnelError('REQUEST_INVALID', `HTTP/${httpVersion} is not served here`);
  }
  const hosts = headerCount(request.rawHeaders, 'host');
  if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) return undefined;
  return new TunnelError(
    'REQUEST_INVALID',
    `a request needs one Host header, this one has ${hosts}`,
  );
}

/** What is wrong with a request to switch protocols, or undefined. CONNECT comes this way, too. */
export function upgradeFault(request: IncomingMessage): TunnelError | undefined {
  if (!hasRequestBody(request)) return undefined;
  const text = 'a request to switch protocols cannot have a body';
  return new TunnelError('REQUEST_INVALID', text);
}

/** The reason why a request cannot be forwarded, or undefined. */
export function requestFault(
  exchange: CallerExchange,
  limits: HeadLimits,
): TunnelError | undefined {
  const { method, target, headers } = exchange;
  if (method === 'CONNECT') {
    return new TunnelError(
      'REQUEST_INVALID',
      'CONNECT is not served here; send the request itself',
    );
  }
  if (!target.startsWith('/') && !(target === '*' && method === 'OPTIONS')) {
    return new TunnelError(
      'REQUEST_INVALID',
      'the request target must be a path starting with "/"',
    );
  }
  if (target.length > limits.maxTargetBytes) {
    return new TunnelError(
      'TARGET_TOO_LONG',
      `the request target has ${target.length} bytes, at most ${limits.maxTargetBytes} are allowed (limits.maxTargetBytes)`,
    );
  }
  const bytes = headerBytes(headers);
  if (bytes > limits.maxHeaderBytes) {
    return new TunnelError(
      'HEADERS_TOO_LARGE',
      `the request headers have ${bytes} bytes, at most ${limits.maxHeaderBytes} are allowed (limits.maxHeaderBytes)`,
    );
  }
  if (headers.length > PROTOCOL_LIMITS.maxHeaderCount * 2) {
    return new TunnelError(
      'HEADERS_TOO_LARGE',
      `the request has ${headers.length / 2} headers, at most ${PROTOCOL_LIMITS.maxHeaderCount} are allowed`,
    );
  }
  return undefined;
}
