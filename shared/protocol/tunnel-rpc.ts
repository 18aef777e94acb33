/**
 * The gRPC side of the tunnel: the service of tunnel.proto, and a link over one call. Messages come in as bytes
 * (frame-decoder.ts) and go out as what grpc-js copies into its own buffer (batch.ts); its compression, which
 * wants bytes, is off.
 */
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { TunnelError } from '../errors.js';
import type { SessionLink } from './tunnel-session.js';

/** The one method of the service; both directions are streams of encoded batches. */
export type ConnectMethod = MethodDefinition<Buffer, Buffer>;

const asBytes = (bytes: Buffer): Buffer => bytes;

/** A method whose both directions are streams, messages as they are. */
export function streamsOfBytes(path: string): ConnectMethod {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  };
}

/** The service of tunnel.proto. Written out: reading the file takes 2 MiB for good. */
export const TUNNEL_SERVICE = {
  Connect: streamsOfBytes('/fairlead.tunnel.v1.Tunnel/Connect'),
} as const satisfies ServiceDefinition & { Connect: ConnectMethod };

/** What a client call and a server call have in common, as far as the link needs it. */
export interface DuplexCall {
  write(message: Buffer, callback?: () => void): boolean;
  end(): void;
  on(event: 'data', listener: (message: Buffer) => void): unknown;
  on(event: 'error', listener: (reason: Error) => void): unknown;
  on(event: 'end' | 'close' | 'cancelled', listener: () => void): unknown;
}

/** Who gets what a link brings. */
export interface LinkEvents {
  receive(message: Buffer): void;
  lost(error: TunnelError): void;
}

/**
 * A link over a gRPC call. `destroy` ends the transport by force (client: cancel and close the channel)
 * when the peer does not end the call itself after our last message.
 */
export function linkOverCall(
  call: DuplexCall,
  destroy: () => void,
): SessionLink & {
  start(events: LinkEvents): void;
} {
  let isOver = false;
  return {
    send(message, onSent) {
      // no Buffer, but all that grpc-js asks of one
      if (!isOver) call.write(message as Buffer, onSent);
    },
    close() {
      if (isOver) return;
      isOver = true;
      call.end();
      // a peer that is gone never answers the end of the call
      setTimeout(destroy, LINGER_MS).unref();
    },
    start(events) {
      const lost = (what: string, cause?: unknown): void => {
        if (isOver) return;
        isOver = true;
        destroy();
        events.lost(new TunnelError('AGENT_LOST', what, { cause }));
      };
      call.on('data', (message) => events.receive(message));
      call.on('error', (reason) => lost(`connection failed: ${reason.message}`, reason));
      call.on('end', () => lost('connection closed'));
      call.on('close', () => lost('connection closed'));
      call.on('cancelled', () => lost('connection broken'));
    },
  };
}

/** How long the last message (why the session ends) may take to leave. */
export const LINGER_MS = 1000;
