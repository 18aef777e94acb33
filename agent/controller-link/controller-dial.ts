/**
 * A gRPC call to a controller: TLS with the agent's certificate, windows and keepalive as the tunnel
 * needs them. One channel per session, so that a new session never shares the connection of a dying one.
 */
import { createSecureContext } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions, ClientDuplexStream } from '@grpc/grpc-js';
import { isIPv4, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';
import { hostPortText } from '../../shared/config/host-port.js';
import type { HostPort } from '../../shared/config/host-port.js';
import { breakOnLostWrite } from '../../shared/http/break-on-lost-write.js';
import { LINK_WINDOW_BYTES, PROTOCOL_LIMITS } from '../../shared/protocol/frame.js';
import { TUNNEL_SERVICE } from '../../shared/protocol/tunnel-rpc.js';

/** What TLS to the controller is made with, PEM. */
export interface LinkTls {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** Name the controller's certificate must bear, if not the host dialled. */
  readonly serverName: string | undefined;
}

/** An open call and the way to end it by force. */
export interface ControllerCall {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  destroy(): void;
}

/** Keepalive of the transport, besides our heartbeats. */
const KEEPALIVE_TIME_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 8_000;

/** Opens a call; failures come as `error` of the call. `tls` undefined dials plain text. */
export function dialController(address: HostPort, tls: LinkTls | undefined): ControllerCall {
  const { path, requestSerialize, responseDeserialize } = TUNNEL_SERVICE.Connect;
  const secure = credentialsOf(tls);
  const abandonHandshakes = watchConnections(secure);
  const client = new Client(targetOf(address), secure, optionsOf(tls));
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  return {
    call,
    destroy: () => {
      call.cancel();
      client.close();
      abandonHandshakes();
    },
  };
}

function targetOf(address: HostPort): string {
  const text = hostPortText(address);
  if (isIPv4(address.host)) return `ipv4:${text}`;
  return isIPv6(address.host) ? `ipv6:${text}` : `dns:${text}`;
}

function credentialsOf(tls: LinkTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const context = createSecureContext({
    ca: tls.caPem,
    cert: tls.certPem,
    key: tls.keyPem,
    minVersion: 'TLSv1.2',
    // the CA file may hold an intermediate certificate without its root
    allowPartialTrustChain: true,
  });
  return credentials.createFromSecureContext(context);
}

/**
 * Closing a grpc-js channel forgets a TLS handshake that is under way but does not end it: each attempt at
 * a peer that accepts and says nothing would leave a socket open for ever. And where an attempt has failed, the closed
 * channel makes another a second later. The returned function ends such handshakes and prevents such
 * attempts. An open connection is broken once it has lost a write.
 */
function watchConnections(channel: ChannelCredentials): () => void {
  const sockets = new Set<Socket>();
  let isAbandoned = false;
  const create = channel._createSecureConnector.bind(channel);
  channel._createSecureConnector = (...args) => {
    const connector = create(...args);
    const ready = connector.waitForReady.bind(connector);
    const connect = connector.connect.bind(connector);
    // grpc-js awaits this before it opens a connection
    connector.waitForReady = async () => {
      if (isAbandoned) throw new Error('the dial was given up');
      return ready();
    };
    connector.connect = async (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      if (isAbandoned) socket.destroy();
      const connected = await connect(socket);
      if (connected.secure) breakOnLostWrite(connected.socket);
      return connected;
    };
    return connector;
  };
  return () => {
    isAbandoned = true;
    for (const socket of sockets) socket.destroy();
  };
}

function optionsOf(tls: LinkTls | undefined): ChannelOptions {
  const serverName = tls?.serverName;
  return {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': PROTOCOL_LIMITS.maxBatchBytes,
    'grpc.max_send_message_length': -1,
    'grpc-node.flow_control_window': LINK_WINDOW_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.enable_retries': 0,
    // true backpressure: otherwise writes are acknowledged into a retry buffer of 1 MiB
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.enable_channelz': 0,
    'grpc.service_config_disable_resolution': 1,
    ...(serverName === undefined
      ? {}
      : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
  };
}
