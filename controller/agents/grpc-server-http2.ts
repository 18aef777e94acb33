/**
 * The HTTP/2 side of a grpc-js server, for which it has no options. Raises the receive windows, which are
 * fixed at 64 KiB otherwise: 0.8 MB/s at 50 ms, in the direction that response bodies take
 * (grpc/grpc-node#3058). Logs what the gRPC layer refuses by itself. This reaches into two private fields,
 * here and nowhere else, and checks that it worked.
 */
import type { Server } from '@grpc/grpc-js';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { LogField } from '../../shared/log.js';
import type { Log } from '../../shared/log.js';
import { printableText } from '../../shared/operations/printable-text.js';
import { LINK_WINDOW_BYTES } from '../../shared/protocol/frame.js';

const MAX_REASON_CHARS = 500;

interface ServerInternals {
  commonServerOptions?: { settings?: Record<string, unknown> };
  http2Servers?: Map<Http2Server, unknown>;
}

/** Before listeners or injectors are made: sets the stream window. */
export function raiseStreamWindow(server: Server): void {
  const options = internalsOf(server).commonServerOptions;
  if (options === undefined) return; // reported by the check on the first session
  options.settings = { ...options.settings, initialWindowSize: LINK_WINDOW_BYTES };
}

/** After the injector is made: sets the connection window of each session, and checks the first. */
export function raiseConnectionWindows(server: Server, log: Log): void {
  let isChecked = false;
  onHttp2Session(server, (session) => {
    session.setLocalWindowSize(LINK_WINDOW_BYTES);
    if (isChecked) return;
    isChecked = true;
    // the stream window counts once the peer has acknowledged it
    session.once('localSettings', () => checkWindows(session, log));
  });
}

/**
 * After the injector is made: says which calls the gRPC layer ended itself, for a message over the limit
 * or one that does not decompress. The tunnel sees a broken connection there, and no reason.
 */
export function logTransportRefusals(server: Server, log: Log): void {
  onHttp2Session(server, (session) => {
    const { remoteAddress } = session.socket;
    session.on('stream', (stream) => {
      stream.once('close', () => {
        const { sentTrailers, sentHeaders } = stream;
        const last = sentTrailers ?? sentHeaders;
        const status = Number(last?.['grpc-status'] ?? 0);
        if (status === 0) return;
        const reason = printableText(
          decoded(String(last?.['grpc-message'] ?? '')),
          MAX_REASON_CHARS,
        );
        log.warn({ [LogField.remoteAddress]: remoteAddress, status, reason }, 'agent call refused');
      });
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

function onHttp2Session(server: Server, handle: (session: ServerHttp2Session) => void): void {
  for (const http2Server of internalsOf(server).http2Servers?.keys() ?? []) {
    http2Server.on('session', handle);
  }
}

/** Warns when a newer grpc-js has moved what this module reaches for: bulk would be slow, not wrong. */
function checkWindows(session: ServerHttp2Session, log: Log): void {
  const stream = session.localSettings.initialWindowSize ?? 0;
  const connection = session.state.effectiveLocalWindowSize ?? 0;
  if (stream >= LINK_WINDOW_BYTES && connection >= LINK_WINDOW_BYTES) return;
  log.warn(
    { stream, connection },
    'receive windows of the agent link could not be raised; bulk transfers over long links will be slow',
  );
}

function internalsOf(server: Server): ServerInternals {
  // private fields of grpc-js 1.14; their absence is handled
  return server as unknown as ServerInternals;
}
