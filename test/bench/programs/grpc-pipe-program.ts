/**
 * One end of the plainest gRPC tunnel there can be: bytes piped between plain TCP and gRPC, a call for
 * each caller, all over one TLS connection, nothing parsed. What HTTP/2 and grpc-js cost on top of the bare
 * TLS pipes; windows, cipher and heap settings are Fairlead's, the allocator is Node's own (that of the images
 * makes it no faster).
 */
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { Client, Server, ServerCredentials, credentials } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import { z } from 'zod';
import { onHttp2Session, raiseWindows } from '../../../controller/agents/grpc-server-http2.js';
import { SERVER_CIPHERS as ciphers } from '../../../shared/http/server-context.js';
import { letYoungGenerationGrow } from '../../../shared/operations/heap-settings.js';
import { LINK_WINDOW_BYTES } from '../../../shared/protocol/frame.js';
import { streamsOfBytes } from '../../../shared/protocol/tunnel-rpc.js';
import { portOf, readOptions, report } from './program-options.js';

const { role, toPort, ca, cert, key } = await readOptions(
  z.object({
    /** `near` takes plain callers and calls `far`, which speaks plain to the target. */
    role: z.enum(['near', 'far']),
    toPort: z.number(),
    ca: z.string(),
    cert: z.string(),
    key: z.string(),
  }),
);
letYoungGenerationGrow();

const PIPE = streamsOfBytes('/fairlead.bench.BarePipe/Carry');
const server = role === 'near' ? nearServer() : farServer();
server.listen(0, '127.0.0.1', 1024, () => report('ready', { port: portOf(server) }));

function nearServer(): net.Server {
  const client = new Client(`127.0.0.1:${toPort}`, credentials.createSsl(Buffer.from(ca)), {
    'grpc.ssl_target_name_override': 'localhost',
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
    'grpc.enable_retries': 0,
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc-node.flow_control_window': LINK_WINDOW_BYTES,
  });
  const { path, requestSerialize, responseDeserialize } = PIPE;
  return net.createServer({ noDelay: true }, (caller) =>
    join(caller, client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize)),
  );
}

function farServer(): net.Server {
  const grpc = new Server({ 'grpc.enable_channelz': 0 });
  grpc.addService(
    { Carry: PIPE },
    {
      Carry: (call: ServerDuplexStream<Buffer, Buffer>) =>
        join(net.connect({ port: toPort, host: '127.0.0.1', noDelay: true }), call),
    },
  );
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  onHttp2Session(grpc, raiseWindows);
  const options = { cert, key, ciphers, ALPNProtocols: ['h2'], noDelay: true };
  return tls.createServer(options, (socket) => injector.injectConnection(socket));
}

type Call = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

function join(socket: net.Socket, call: Call): void {
  // a Duplex of Buffers, typed as one of objects
  socket.pipe(call as unknown as Duplex).pipe(socket);
  socket.on('error', () => call.destroy());
  call.on('error', () => socket.destroy());
}
