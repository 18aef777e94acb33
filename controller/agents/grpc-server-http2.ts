/**
 * The HTTP/2 side of a grpc-js server, for which it has no options: receive windows, which are fixed at 64 KiB
 * otherwise (0.8 MB/s at 50 ms, in the direction that response bodies take; grpc/grpc-node#3058), calls that
 * compress, and what the gRPC layer refuses by itself. This reaches into one private field, here and nowhere else.
 */
import { constants } from 'node:http2';
import type {
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import { status as GrpcStatus } from '@grpc/grpc-js';
import type { Server } from '@grpc/grpc-js';
import { TunnelError } from '../../shared/errors.js';
import { LogField } from '../../shared/log.js';
import type { Log } from '../../shared/log.js';
import { printableText } from '../../shared/operations/printable-text.js';
import { LINK_WINDOW_BYTES } from '../../shared/protocol/frame.js';

const MAX_REASON_CHARS = 500;

/**
 * After the injector is made: gets each session, before anything is on it. Throws INTERNAL when a newer grpc-js has
 * moved the field.
 */
export function onHttp2Session(
  server: Server,
  handle: (session: ServerHttp2Session) => void,
): void {
  // private field of grpc-js 1.14
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  if (http2Servers === undefined || http2Servers.size === 0) {
    throw new TunnelError('INTERNAL', 'this version of grpc-js does not show its HTTP/2 sessions');
  }
  for (const http2Server of http2Servers.keys()) http2Server.on('session', handle);
}

/** Raises the receive windows of a connection and of the calls on it. */
export function raiseWindows(session: ServerHttp2Session): void {
  if (session.destroyed) return;
  session.setLocalWindowSize(LINK_WINDOW_BYTES);
  session.settings({ initialWindowSize: LINK_WINDOW_BYTES });
}

/**
 * Refuses calls that compress: what comes while a message is being unpacked would pile up, and frames of bodies
 * that are compressed already gain nothing.
 */
export function refuseCompression(session: ServerHttp2Session): void {
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const encoding = headers['grpc-encoding'] ?? 'identity';
    const isOver = stream.headersSent || stream.closed || stream.destroyed;
    if (encoding === 'identity' || isOver) return;
    const trailers = {
      'content-type': 'application/grpc',
      'grpc-status': GrpcStatus.UNIMPLEMENTED, // as grpc/grpc, doc/compression.md, wants it
      'grpc-message': 'compressed messages are not accepted',
      'grpc-accept-encoding': 'identity',
    };
    stream.respond(trailers, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
  });
}

/**
 * Says which calls the gRPC layer ended itself, as for a message over the limit or one that compresses.
 * The tunnel sees a broken connection there, and no reason.
 */
export function logTransportRefusals(session: ServerHttp2Session, log: Log): void {
  const { remoteAddress } = session.socket;
  session.on('stream', (stream) => {
    stream.once('close', () => {
      const { sentTrailers, sentHeaders } = stream;
      const last = sentTrailers ?? sentHeaders;
      const status = Number(last?.['grpc-status'] ?? 0);
      if (status === 0) return;
      const reason = printableText(decoded(String(last?.['grpc-message'] ?? '')), MAX_REASON_CHARS);
      log.warn({ [LogField.remoteAddress]: remoteAddress, status, reason }, 'agent call refused');
    });
  });
}

/** grpc-js encodes most messages, but not one that quotes an unknown path, which is the peer's to choose. */
function decoded(message: string): string {
  try {
    return decodeURI(message);
  } catch {
    return message;
  }
}
