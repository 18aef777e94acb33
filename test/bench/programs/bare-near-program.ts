/**
 * The callers' end of the bare tunnel, the barest HTTP tunnel on the libraries that Fairlead is made of:
 * node:http in, one gRPC call over TLS between two processes, undici out. What it costs is what the libraries
 * cost. It has no authentication, flow control, limits, cancelling, log or metrics; it forwards hop-by-hop
 * headers as they come, drops bodies of requests, and holds those of responses whole: for small GETs only.
 */
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { z } from 'zod';
import { SERVER_TLS } from '../../../shared/http/server-context.js';
import { BARE_SERVICE, NO_MESSAGE_LIMIT, carryOver } from './bare-tunnel-call.js';
import type { BareResponse } from './bare-tunnel-call.js';
import { portOf, readOptions, report } from './program-options.js';

const { cert, key, clientCa } = await readOptions(
  z.object({ cert: z.string(), key: z.string(), clientCa: z.string() }),
);

const call = await callOfFar();
const waiting = new Map<number, http.ServerResponse>();
const send = carryOver(call, answer);
call.sendMetadata(new Metadata()); // tells the far end that it has arrived
let requests = 0;
// as Fairlead's own listener: callers may show a certificate, the same cipher, no session tickets
const client = { ca: clientCa, requestCert: true, rejectUnauthorized: false };
const secure = { ...SERVER_TLS, cert, key, ...client };
const servers = [http.createServer(forward), https.createServer(secure, forward)] as const;
for (const server of servers) {
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1', 1024);
  await once(server, 'listening');
}
const [port, tlsPort] = servers.map(portOf);
report('ready', { port, tlsPort });

function forward(request: http.IncomingMessage, response: http.ServerResponse): void {
  const id = requests++;
  waiting.set(id, response);
  send([id, request.method ?? '', request.url ?? '', request.rawHeaders]);
}

/** Reports the port for the far end and waits until its call is there. */
async function callOfFar(): Promise<ServerDuplexStream<Buffer, Buffer>> {
  const grpc = new Server(NO_MESSAGE_LIMIT);
  const arrived = new Promise<ServerDuplexStream<Buffer, Buffer>>((resolve) => {
    grpc.addService(BARE_SERVICE, { Carry: resolve });
  });
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  const credentials = ServerCredentials.createSsl(null, [pair]);
  grpc.bindAsync('127.0.0.1:0', credentials, (reason, port) => {
    if (reason !== null) throw reason;
    report('listening', { port });
  });
  return arrived;
}

function answer([id, status, headers, body]: BareResponse): void {
  const response = waiting.get(id);
  if (response === undefined)
    throw new Error(`a response to request ${id}, which nobody waits for`);
  waiting.delete(id);
  response.sendDate = false; // the target's is among the headers
  response.writeHead(status, headers);
  response.end(body, 'latin1');
}
