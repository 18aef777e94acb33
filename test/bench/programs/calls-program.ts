/**
 * Callers that make a new connection for each small request, as kubectl does: as fast as they can, or at
 * a steady pace. Any error or wrong answer ends the run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { percentile } from '../../harness/latency.js';
import { endpointSchema } from '../endpoint.js';
import { WireDialer } from '../wire-connection.js';
import { readOptions, report } from './program-options.js';

const options = await readOptions(
  z.object({
    /** Used in turn. */
    endpoints: z.array(endpointSchema),
    path: z.string(),
    expectedBytes: z.number(),
    callers: z.number(),
    seconds: z.number(),
    /** Without: as fast as they can. With: latency counts from when a request was due. */
    requestsPerSecond: z.number().optional(),
    /** Calls before the counting begins. */
    warmUpRequests: z.number(),
  }),
);
const { endpoints, path, expectedBytes, callers, seconds, requestsPerSecond } = options;
const MAX_REQUESTS = 5_000_000;

const dialers = endpoints.map((endpoint) => new WireDialer(endpoint));
for (let i = 0; i < options.warmUpRequests; i++) await call(i);

const latencies: number[] = [];
const start = performance.now();
let next = 0;
await Promise.all(Array.from({ length: callers }, () => callUntilEnd()));
report('done', {
  requests: latencies.length,
  seconds: (performance.now() - start) / 1000,
  p50Ms: percentile(latencies, 50),
  p99Ms: percentile(latencies, 99),
});
process.exit(0);

async function callUntilEnd(): Promise<void> {
  while (next < MAX_REQUESTS) {
    const index = next++;
    const now = performance.now();
    const dueMs =
      requestsPerSecond === undefined ? now : start + (index * 1000) / requestsPerSecond;
    // also when the pace could not be kept
    if (Math.max(now, dueMs) - start >= seconds * 1000) return;
    if (dueMs > now) await delay(dueMs - now);
    await call(index);
    latencies.push(performance.now() - dueMs);
  }
}

async function call(index: number): Promise<void> {
  const dialer = dialers[index % dialers.length];
  if (dialer === undefined) throw new Error('no endpoint');
  const connection = await dialer.dial();
  const { status, bodyBytes, text } = await connection.exchange({ path, isLast: true });
  connection.close();
  if (status !== 200 || bodyBytes !== expectedBytes) {
    throw new Error(`${path}: status ${status}, ${bodyBytes} bytes: ${text.slice(0, 200)}`);
  }
}
