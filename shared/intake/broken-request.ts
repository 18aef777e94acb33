/**
 * Answers for what never became a request: bytes that are not HTTP, heads over the limit or too slow,
 * CONNECT. The connection ends with the answer.
 */
import type { Duplex } from 'node:stream';
import { nodeErrorCode } from '../errors.js';

interface Answer {
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

const NOT_HTTP: Answer = {
  status: '400 Bad Request',
  code: 'REQUEST_INVALID',
  message:
    'the request is not sound HTTP/1.1 (framing, header or start line); it was not forwarded',
};

/** Known causes by Node's error code, or by the name the listener gives. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    code: 'HEADERS_TOO_LARGE',
    message: 'the request head is over the limit (limits.maxHeaderBytes, limits.maxTargetBytes)',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    code: 'REQUEST_INVALID',
    message: 'the request head did not arrive in time (limits.callerHeadersTimeoutMs)',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: '413 Payload Too Large',
    code: 'BODY_TOO_LARGE',
    message: 'the chunk extensions are over the limit',
  },
  connect: {
    status: '400 Bad Request',
    code: 'REQUEST_INVALID',
    message: 'CONNECT is not served here; send the request itself',
  },
  'upgrade-with-body': {
    status: '400 Bad Request',
    code: 'REQUEST_INVALID',
    message: 'a request to switch protocols cannot have a body',
  },
};

/** How long a sender may go on before the connection is broken. */
const LINGER_MS = 1000;

/**
 * Sends the answer and ends the connection; silent when the connection is gone already. May be called
 * again for the same connection: Node complains of each packet that follows.
 */
export function answerBrokenRequest(socket: Duplex, cause: Error | string): void {
  if (socket.writableEnded && !socket.destroyed) return; // answered
  socket.on('error', () => undefined);
  if (!socket.writable || nodeErrorCode(cause) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const key = typeof cause === 'string' ? cause : (nodeErrorCode(cause) ?? '');
  const { status, code, message } = ANSWERS[key] ?? NOT_HTTP;
  const body = JSON.stringify({ error: { code, message, hop: 'caller' } });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nX-Fairlead-Error: ${code}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  linger(socket);
}

/** Closing with unread bytes would reset the connection, and the answer would be lost with it. */
function linger(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.on('end', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  socket.resume();
}
