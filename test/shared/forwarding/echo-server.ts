/**
 * An HTTPS server that tells what it saw of a request, and a client that calls it as a Target says; for
 * the tests of this folder.
 */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Target } from '../../../shared/forwarding/target.js';
import type { Pair, ThrowawayCa } from './throwaway-certificates.js';

/** What the server saw. */
export interface Seen {
  readonly path: string;
  readonly host: string;
  readonly authorization: string;
  /** Common name of the client certificate; empty for none. */
  readonly clientName: string;
  readonly serverName: string;
}

export interface EchoServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one that asks for client certificates of `clientCa`, without insisting. */
export async function startEchoServer(pair: Pair, clientCa: ThrowawayCa): Promise<EchoServer> {
  const server: Server = createServer(
    { ...pair, ca: clientCa.cert, requestCert: true, rejectUnauthorized: false },
    (incoming, response) => {
      const { socket } = incoming;
      assert.ok(socket instanceof TLSSocket);
      const seen: Seen = {
        path: incoming.url ?? '',
        host: incoming.headers.host ?? '',
        authorization: incoming.headers.authorization ?? '',
        clientName: socket.authorized ? String(socket.getPeerCertificate().subject.CN) : '',
        serverName: socket.servername === false ? '' : (socket.servername ?? ''),
      };
      response.end(JSON.stringify(seen));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** One GET / as the target wants it. Rejects when the connection fails. */
export async function call(target: Target): Promise<Seen> {
  const authorization = await target.authorization();
  const { host, port, authority, basePath, tls } = target.endpoint();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host,
        port,
        path: `${basePath}/x`,
        agent: false,
        headers: { host: authority, ...(authorization === undefined ? {} : { authorization }) },
        ca: tls?.ca,
        cert: tls?.cert,
        key: tls?.key,
        rejectUnauthorized: tls?.rejectUnauthorized ?? true,
        ...(tls?.serverName === undefined ? {} : { servername: tls.serverName }),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('end', () => resolve(JSON.parse(body) as Seen)); // our own server's answer
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}
