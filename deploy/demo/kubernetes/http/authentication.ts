/**
 * Who is calling: client certificate first, then bearer token, then the WebSocket bearer
 * subprotocol; impersonation last. Same order and effect as in an apiserver.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { AcceptedToken } from '../api-options.js';

/** User of a server that asks for no credential. */
const ANYBODY = 'demo-user';

const WEBSOCKET_BEARER = 'base64url.bearer.authorization.k8s.io.';

interface AuthenticationOptions {
  readonly tokens: readonly AcceptedToken[];
  readonly acceptsCertificates: boolean;
}

/** The user name of a request; undefined when it must be answered with 401. */
export function authenticate(
  request: IncomingMessage,
  options: AuthenticationOptions,
): string | undefined {
  const user = callerOf(request, options);
  const impersonated = request.headers['impersonate-user'];
  return user !== undefined && typeof impersonated === 'string' ? impersonated : user;
}

function callerOf(request: IncomingMessage, options: AuthenticationOptions): string | undefined {
  if (options.tokens.length === 0 && !options.acceptsCertificates) return ANYBODY;
  const certificate = certificateUser(request);
  if (certificate !== undefined) return certificate;
  const token = bearerToken(request) ?? webSocketToken(request);
  return options.tokens.find((entry) => entry.token === token)?.user;
}

function certificateUser(request: IncomingMessage): string | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const commonName: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof commonName === 'string' ? commonName : undefined;
}

function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function webSocketToken(request: IncomingMessage): string | undefined {
  const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  const protocol = offered
    .map((entry) => entry.trim())
    .find((entry) => entry.startsWith(WEBSOCKET_BEARER));
  if (protocol === undefined) return undefined;
  return Buffer.from(protocol.slice(WEBSOCKET_BEARER.length), 'base64url').toString('utf8');
}
