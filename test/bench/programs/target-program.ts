/**
 * The server behind every contestant, over plain HTTP and over HTTPS: small answers, bodies of any size
 * whose bytes can be checked, uploads, uploads that are not read, and watches that get an event when told.
 */
import * as http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as https from 'node:https';
import { z } from 'zod';
import { SERVER_TLS } from '../../../shared/http/server-context.js';
import { writeBody } from '../../harness/scripted-target.js';
import { SMALL_BYTES } from '../endpoint.js';
import { isRightPiece } from '../body-pattern.js';
import { portOf, readOptions, report } from './program-options.js';

const options = await readOptions(
  z.object({
    cert: z.string(),
    key: z.string(),
    /** Callers over HTTPS must have a certificate of this CA. */
    clientCa: z.string().optional(),
  }),
);

const SMALL = Buffer.alloc(SMALL_BYTES, 's');
const SMALL_HEAD = { 'Content-Type': 'text/plain', 'Content-Length': SMALL_BYTES };
const watches = new Set<ServerResponse>();

const { cert, key, clientCa } = options;
// beside Fairlead's own listener it is one with the same cipher, and without session tickets
const client = clientCa === undefined ? {} : { ...SERVER_TLS, ca: clientCa, requestCert: true };
const settings = { keepAliveTimeout: 120_000, requestTimeout: 0, noDelay: true };
const plain = http.createServer(settings, serve);
const secure = https.createServer({ ...settings, cert, key, ...client }, serve);
for (const server of [plain, secure]) {
  // ten thousand watches are opened at a thousand a second
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
}
report('ready', { plainPort: portOf(plain), tlsPort: portOf(secure) });

function serve(request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  switch (path) {
    case '/small':
      response.writeHead(200, SMALL_HEAD);
      response.end(SMALL);
      break;
    case '/body':
      serveBody(response, Number(query));
      break;
    case '/upload':
      takeUpload(request, response);
      break;
    case '/watch':
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.flushHeaders();
      watches.add(response);
      response.on('close', () => watches.delete(response));
      break;
    case '/unread':
      break;
    case '/event':
      for (const watch of watches) watch.write('event\n');
      response.end(String(watches.size));
      break;
    default:
      response.writeHead(404).end();
  }
}

/** `/body?N`: N bytes at the reader's pace. */
function serveBody(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'Content-Length': bytes });
  response.on('error', () => undefined);
  void writeBody(response, bytes).then((total) => {
    if (total >= bytes) response.end();
  });
}

/** Answers with the number of bytes that came, or 400 when they were not those of the pattern. */
function takeUpload(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  let isRight = true;
  request.on('error', () => undefined);
  request.on('data', (piece: Buffer) => {
    isRight &&= isRightPiece(piece, bytes);
    bytes += piece.length;
  });
  request.on('end', () => {
    const text = String(bytes);
    response.writeHead(isRight ? 200 : 400, { 'Content-Length': text.length }).end(text);
  });
}
