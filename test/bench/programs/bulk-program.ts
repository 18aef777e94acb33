/**
 * Callers that move large bodies, one or several at once, each on a connection that it keeps. Every body
 * is counted and looked at; an error ends the run.
 */
import { z } from 'zod';
import { endpointSchema } from '../endpoint.js';
import { WireDialer } from '../wire-connection.js';
import type { WireConnection } from '../wire-connection.js';
import { readOptions, report } from './program-options.js';

const { endpoint, direction, streams, bytes, seconds } = await readOptions(
  z.object({
    endpoint: endpointSchema,
    direction: z.enum(['download', 'upload']),
    /** At once. */
    streams: z.number(),
    /** Of one body. */
    bytes: z.number(),
    /** No body is begun after this long; one in any case. */
    seconds: z.number(),
  }),
);
const MAX_TRANSFERS = 1_000_000;

const dialer = new WireDialer(endpoint);
const connections = await Promise.all(Array.from({ length: streams }, () => dialer.dial()));
let transfers = 0;
const start = performance.now();
await Promise.all(connections.map(moveUntilEnd));
report('done', {
  bytes: transfers * bytes,
  transfers,
  seconds: (performance.now() - start) / 1000,
});
process.exit(0);

async function moveUntilEnd(connection: WireConnection): Promise<void> {
  do {
    await (direction === 'download' ? download(connection) : upload(connection));
    transfers++;
  } while (performance.now() - start < seconds * 1000 && transfers < MAX_TRANSFERS);
}

async function download(connection: WireConnection): Promise<void> {
  const response = await connection.exchange({ path: `/body?${bytes}`, isPattern: true });
  if (response.status !== 200 || response.bodyBytes !== bytes) {
    throw new Error(`download: status ${response.status}, ${response.bodyBytes} bytes`);
  }
}

async function upload(connection: WireConnection): Promise<void> {
  const { status, text } = await connection.exchange({ path: '/upload', uploadBytes: bytes });
  if (status !== 200 || text !== String(bytes))
    throw new Error(`upload: status ${status}, ${text}`);
}
