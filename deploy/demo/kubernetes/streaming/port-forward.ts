/**
 * port-forward over SPDY: for each connection of the caller a data and an error stream, paired by
 * `requestid`, joined with a loopback port of the demo machine. Half-closes pass in both directions.
 * Source: k8s.io/kubelet portforward (protocol portforward.k8s.io).
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SpdyStream } from './spdy/spdy-connection.js';
import { SpdyConnection } from './spdy/spdy-connection.js';

/** The protocol's name. */
export const PORT_FORWARD_PROTOCOL = 'portforward.k8s.io';

/** The loopback port behind a port of the pod; undefined when nothing listens there. */
export type ResolvePort = (podPort: number) => number | undefined;

/** Serves forwarded connections until the caller is gone. */
export async function servePortForward(
  transport: Duplex,
  podName: string,
  resolve: ResolvePort,
): Promise<void> {
  const halfPairs = new Map<string, SpdyStream>();
  const sockets = new Set<Socket>();
  const connection = new SpdyConnection(transport, (stream) => {
    const key = `${stream.headers.get('requestid') ?? ''}/${stream.headers.get('port') ?? ''}`;
    const other = halfPairs.get(key);
    if (other === undefined) {
      halfPairs.set(key, stream);
      return;
    }
    halfPairs.delete(key);
    const isData = stream.headers.get('streamtype') === 'data';
    const pair = isData ? { data: stream, error: other } : { data: other, error: stream };
    const podPort = Number(stream.headers.get('port'));
    forward(pair, { podName, podPort, port: resolve(podPort) }, sockets).catch(() =>
      pair.data.abandon(),
    );
  });
  await connection.run();
  for (const socket of sockets) socket.destroy();
}

interface StreamPair {
  readonly data: SpdyStream;
  readonly error: SpdyStream;
}

interface ForwardTarget {
  readonly podName: string;
  readonly podPort: number;
  readonly port: number | undefined;
}

async function forward(
  pair: StreamPair,
  target: ForwardTarget,
  sockets: Set<Socket>,
): Promise<void> {
  const { data, error } = pair;
  error.input.resume(); // the client only closes it
  const socket = target.port === undefined ? undefined : await openSocket(target.port);
  if (socket === undefined) {
    const { podName, podPort } = target;
    const reason = `connect to 127.0.0.1:${podPort} inside the pod: connection refused`;
    await error.write(Buffer.from(`error forwarding port ${podPort} to pod ${podName}: ${reason}`));
    await error.end();
    await data.end();
    return;
  }
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  socket.on('error', () => undefined); // seen by both copies
  await Promise.all([copyToSocket(data, socket), copyToStream(socket, data)]);
  await error.end();
}

function openSocket(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

async function copyToSocket(stream: SpdyStream, socket: Socket): Promise<void> {
  try {
    // The stream has no encoding set, so its chunks are buffers.
    for await (const chunk of stream.input) {
      if (socket.write(chunk as Buffer)) continue;
      await new Promise<void>((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
      });
    }
    socket.end();
  } catch {
    socket.destroy(); // the stream was reset
  }
}

async function copyToStream(socket: Socket, stream: SpdyStream): Promise<void> {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      await stream.write(chunk as Buffer); // no encoding is set
    }
    await stream.end();
  } catch {
    await stream.reset(); // a body that was cut must not look whole
  }
}
