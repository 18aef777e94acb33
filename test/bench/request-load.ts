/**
 * Small requests against a contestant: kept alive from wrk (HTTP/1.1) or h2load (HTTP/2), or with a new
 * connection each from our own generator. Every answer is counted; one that is wrong fails the run.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { percentile } from '../harness/latency.js';
import { tempDir } from '../harness/temp-dir.js';
import { runProgram } from './bench-program.js';
import { runTool } from './debian-tool.js';
import { SMALL_BYTES, loadSchema, urlOf } from './endpoint.js';
import type { Endpoint, Load } from './endpoint.js';
import { WireDialer } from './wire-connection.js';

/** How callers call. */
export interface LoadOptions {
  readonly callers: number;
  readonly seconds: number;
  /** Default `/small`. */
  readonly path?: string;
  readonly bodyBytes?: number;
}

/** Latencies in µs and all counters of wrk, as JSON. */
const WRK_SCRIPT = `
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\\nJSON{"requests":%d,"bytes":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,"errors":%d}\\n',
    summary.requests, summary.bytes, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;
const wrkSchema = loadSchema.extend({
  bytes: loadSchema.shape.requests,
  errors: loadSchema.shape.requests,
});

/** wrk: HTTP/1.1, kept alive, plain or TLS. */
export async function wrkLoad(endpoint: Endpoint, options: LoadOptions): Promise<Load> {
  const { callers, seconds, path = '/small', bodyBytes = SMALL_BYTES } = options;
  await checkAnswer(endpoint, path, bodyBytes);
  const { path: dir, remove } = tempDir('bench-wrk');
  try {
    const script = join(dir, 'report.lua');
    writeFileSync(script, WRK_SCRIPT);
    const args = ['-t1', `-c${callers}`, `-d${seconds}s`, '--timeout', '30s', '-s', script];
    const text = await runTool(
      'wrk',
      [...args, ...headerArgs(endpoint), urlOf(endpoint, path)],
      (seconds + 60) * 1000,
    );
    const json = /^JSON(.*)$/m.exec(text)?.[1];
    if (json === undefined) throw new Error(`wrk:\n${text}`);
    const { errors, bytes, ...load } = wrkSchema.parse(JSON.parse(json));
    if (errors > 0 || load.requests === 0 || bytes / load.requests < bodyBytes) {
      throw new Error(`wrk saw errors or wrong answers:\n${text}`);
    }
    return load;
  } finally {
    remove();
  }
}

/** Streams that share a connection, as clients that multiplex do. */
const STREAMS_PER_CONNECTION = 8;

/** h2load: HTTP/2 over TLS. */
export async function h2Load(endpoint: Endpoint, options: LoadOptions): Promise<Load> {
  const { callers, seconds, path = '/small', bodyBytes = SMALL_BYTES } = options;
  await checkAnswer(endpoint, path, bodyBytes);
  const { path: dir, remove } = tempDir('bench-h2load');
  try {
    const log = join(dir, 'requests.tsv');
    const connections = Math.max(1, Math.ceil(callers / STREAMS_PER_CONNECTION));
    const streams = Math.ceil(callers / connections);
    const args = [`-c${connections}`, `-m${streams}`, '-t1', `-D${seconds}`, `--log-file=${log}`];
    const text = await runTool(
      'h2load',
      [...args, ...headerArgs(endpoint), urlOf(endpoint, path)],
      (seconds + 60) * 1000,
    );
    const latencies = h2Latencies(readFileSync(log, 'utf8'));
    if (!/ 0 failed, 0 errored, 0 timeout/.test(text) || latencies.length === 0) {
      throw new Error(`h2load saw errors or wrong answers:\n${text}`);
    }
    return {
      requests: latencies.length,
      seconds,
      p50Ms: percentile(latencies, 50),
      p99Ms: percentile(latencies, 99),
    };
  } finally {
    remove();
  }
}

/** Uncounted, one after another. */
const WARM_UP_REQUESTS = 300;

/** A new TLS 1.3 connection, with client certificate where the endpoint has one, for every request. */
export async function newConnectionLoad(
  endpoint: Endpoint,
  { callers, seconds, path = '/small', bodyBytes = SMALL_BYTES }: LoadOptions,
): Promise<Load> {
  return runProgram(
    'calls',
    {
      endpoints: [endpoint],
      path,
      expectedBytes: bodyBytes,
      callers,
      seconds,
      warmUpRequests: WARM_UP_REQUESTS,
    },
    loadSchema,
    seconds * 1000,
  );
}

/** One request whose answer is looked at: generators in C see only status and length. */
async function checkAnswer(endpoint: Endpoint, path: string, bodyBytes: number): Promise<void> {
  const connection = await new WireDialer(endpoint).dial();
  try {
    const {
      status,
      bodyBytes: bytes,
      text,
    } = await connection.exchange({
      path,
      isPattern: path.startsWith('/body'),
    });
    const isRight = path !== '/small' || text === 's'.repeat(SMALL_BYTES);
    if (status !== 200 || bytes !== bodyBytes || !isRight) {
      throw new Error(`${path}: status ${status}, ${bytes} bytes: ${text.slice(0, 200)}`);
    }
  } finally {
    connection.close();
  }
}

function headerArgs({ headers }: Endpoint): string[] {
  return Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
}

/** Lines of `--log-file`: start, status, duration in µs. Throws when one is not 200. */
function h2Latencies(log: string): number[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, status, us] = line.split('\t');
      if (status !== '200') throw new Error(`h2load saw status ${status ?? '?'}`);
      return Number(us) / 1000;
    });
}
