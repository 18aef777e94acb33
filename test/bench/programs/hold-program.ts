/**
 * Callers that open very many HTTP/2 streams and keep them: watches that wait for events, readers that do
 * not read, uploads that nobody reads. Ends, and with it the streams, when told so.
 */
import type { ClientHttp2Stream } from 'node:http2';
import { z } from 'zod';
import { Http2Caller, http2Status } from '../../harness/slow-caller.js';
import { writeBody } from '../../harness/scripted-target.js';
import { waitFor } from '../../harness/wait-for.js';
import { readOptions, report } from './program-options.js';

const { port, ca, token, kind, streams } = await readOptions(
  z.object({
    port: z.number(),
    ca: z.string(),
    token: z.string(),
    kind: z.enum(['watch', 'reader', 'upload']),
    streams: z.number(),
  }),
);

/**
 * More than all windows on the way. Not much more: what the target has sent waits in the kernel, and
 * endless bodies of a thousand readers take all the memory it has for TCP, which stops every connection.
 */
const UNREAD_BYTES = 2 ** 20;
const PATHS = {
  watch: '/watch?watch=true',
  reader: `/body?${UNREAD_BYTES}`,
  upload: '/unread',
} as const;
/** What the target writes to each watch. */
const EVENT = 'event\n';
/** Fairlead's listeners allow 250 on a connection. */
const PER_CONNECTION = 200;
/** Streams whose head is awaited at once. */
const MAX_PENDING = 400;
const OPEN_MS = 120_000;

let heads = 0;
let events = 0;
const start = performance.now();
let caller: Http2Caller | undefined;
for (let i = 0; i < streams; i++) {
  if (i % PER_CONNECTION === 0) caller = await Http2Caller.connect({ port, ca, token });
  if (caller !== undefined) hold(caller);
  if (i - heads >= MAX_PENDING) await waitFor('heads', () => i - heads < MAX_PENDING, OPEN_MS);
}
// an upload that nobody reads has no answer either
if (kind !== 'upload') await waitFor('all heads', () => heads === streams, OPEN_MS);
report('open', { seconds: (performance.now() - start) / 1000 });

function hold(from: Http2Caller): void {
  const stream = from.open(PATHS[kind], kind === 'upload' ? 'PUT' : 'GET', kind === 'upload');
  stream.on('close', () => fail('a stream was closed'));
  switch (kind) {
    case 'watch':
      countEvent(stream);
      expectHead(stream);
      break;
    case 'reader':
      stream.pause();
      expectHead(stream);
      break;
    case 'upload':
      heads++;
      void writeBody(stream, UNREAD_BYTES * 1024);
      break;
  }
}

function expectHead(stream: ClientHttp2Stream): void {
  http2Status(stream).then(
    (status) => (status === 200 ? heads++ : fail(`status ${status}`)),
    (reason: unknown) => fail(String(reason)),
  );
}

/** Counts the one event that the target writes to each watch, in however many pieces it comes. */
function countEvent(stream: ClientHttp2Stream): void {
  let text = '';
  stream.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    if (!EVENT.startsWith(text)) fail(`wrong event ${text}`);
    if (text === EVENT && ++events === streams) report('events', { count: events });
  });
}

function fail(text: string): void {
  report('fault', { text });
  process.exit(1);
}
