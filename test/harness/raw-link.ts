/**
 * A connection to the port for agents that speaks HTTP/2 by hand: windows, headers and messages as a test wants
 * them. For tests of what a controller does below the tunnel.
 */
import * as http2 from 'node:http2';
import { once } from 'node:events';
import * as tls from 'node:tls';
import { agentName } from '../../shared/ids.js';
import { TUNNEL_SERVICE } from '../../shared/protocol/tunnel-rpc.js';
import type { FairleadRig } from './fairlead-rig.js';

/** How it dials. */
export interface RawLinkOptions {
  /** Undefined: without a certificate. */
  readonly agent?: string;
  /** Of a relay in front of the controller. */
  readonly port?: number;
  /** Address of the controller; default 127.0.0.1. */
  readonly host?: string;
  /** Its own port; default one that is free. */
  readonly localPort?: number;
  /** Of HTTP/2, as this end sets them. */
  readonly settings?: http2.Settings;
}

/** Of a call of the tunnel (grpc/grpc, doc/PROTOCOL-HTTP2.md: Request-Headers). */
export const CALL_HEADERS = {
  ':method': 'POST',
  ':path': TUNNEL_SERVICE.Connect.path,
  'content-type': 'application/grpc',
  te: 'trailers',
} as const;

/** One HTTP/2 connection. */
export class RawLink {
  readonly session: http2.ClientHttp2Session;

  static async dial(rig: FairleadRig, options: RawLinkOptions = {}): Promise<RawLink> {
    const { agent, settings, host = '127.0.0.1', port = rig.ports.agents, localPort } = options;
    const issued =
      agent === undefined
        ? undefined
        : await rig.authority.issue({ purpose: 'agent', agent: agentName(agent) });
    // read by net.connect, missing from the types of tls.connect
    const own = { localAddress: '127.0.0.1', ...(localPort === undefined ? {} : { localPort }) };
    const socket = tls.connect({
      ...own,
      host,
      port,
      servername: 'localhost',
      ca: rig.caPem,
      ALPNProtocols: ['h2'],
      ...(issued === undefined ? {} : { cert: issued.certPem, key: issued.keyPem }),
    });
    const session = http2.connect('https://localhost', {
      createConnection: () => socket,
      ...(settings === undefined ? {} : { settings }),
    });
    session.on('error', () => undefined);
    await once(session, 'remoteSettings');
    return new RawLink(session);
  }

  private constructor(session: http2.ClientHttp2Session) {
    this.session = session;
  }

  /** A call of the tunnel, unless other headers say so. */
  call(headers: http2.OutgoingHttpHeaders = {}): http2.ClientHttp2Stream {
    const stream = this.session.request({ ...CALL_HEADERS, ...headers });
    stream.on('error', () => undefined);
    return stream;
  }

  /** Its port of the connection. */
  get localPort(): number {
    return this.session.socket.localPort ?? 0;
  }

  destroy(): void {
    this.session.destroy();
  }
}

/** A message as gRPC frames it (grpc/grpc, doc/PROTOCOL-HTTP2.md: Length-Prefixed-Message). */
export function grpcMessage(bytes: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}
