/**
 * Pages that are no part of Jenkins but show what a tunnel does to HTTP: echo, slow bodies, redirects,
 * cookies, trailers, any status, server-sent events. Used by the end-to-end tests.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { JenkinsExchange } from './jenkins-exchange.js';
import { send, sendRedirect } from './jenkins-exchange.js';

type Probe = (exchange: JenkinsExchange) => Promise<void> | void;

const PROBES: Readonly<Record<string, Probe>> = {
  echo: answerEcho,
  slow: streamSlowly,
  redirect: ({ request, response, origin, query }) => {
    request.resume();
    const status = Number(query.get('status') ?? 302);
    sendRedirect(response, status, query.get('to') ?? `${origin}/echo?redirected=true`);
  },
  cookies: ({ request, response }) => {
    response.setHeader('Set-Cookie', ['first=1; Path=/', 'second=2; Path=/; HttpOnly']);
    send(response, 200, 'text/plain', request.headers.cookie ?? '');
  },
  'chunked-trailers': ({ request, response }) => {
    request.resume();
    response.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Checksum, X-Last' });
    response.write('part one\n');
    response.write('part two\n');
    response.addTrailers({ 'X-Checksum': 'abc', 'X-Last': 'yes' });
    response.end();
  },
  status: ({ request, response, segments }) => {
    request.resume();
    const status = Number(segments[1] ?? 200);
    const hasBody = status !== 204 && status !== 304;
    if (hasBody) send(response, status, 'text/plain', `status ${status}\n`);
    else response.writeHead(status).end();
  },
  events: sendEvents,
};

/** Answers a probe; false when the path is none of them. */
export async function answerProbe(exchange: JenkinsExchange): Promise<boolean> {
  const probe = PROBES[exchange.segments[0] ?? ''];
  if (probe === undefined) return false;
  await probe(exchange);
  return true;
}

/** True for paths that decide on `Expect: 100-continue` without the body. */
export function refusesContinue(segments: readonly string[]): boolean {
  return segments[0] === 'status';
}

/** Tells the caller what arrived, with size and SHA-256 of the body. */
async function answerEcho({ request, response }: JenkinsExchange): Promise<void> {
  const hash = createHash('sha256');
  let bodyBytes = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer; // no encoding is set
    hash.update(bytes);
    bodyBytes += bytes.length;
  }
  const { method, url, rawHeaders, rawTrailers, httpVersion } = request;
  const bodySha256 = hash.digest('hex');
  const echo = {
    method,
    rawTarget: url,
    httpVersion,
    rawHeaders,
    rawTrailers,
    bodyBytes,
    bodySha256,
  };
  send(response, 200, 'application/json', `${JSON.stringify(echo)}\n`);
}

/** Streams `count` lines, one every `intervalMs`. */
async function streamSlowly({ request, response, query }: JenkinsExchange): Promise<void> {
  request.resume();
  const count = Number(query.get('count') ?? 5);
  const intervalMs = Number(query.get('intervalMs') ?? 100);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.flushHeaders();
  try {
    for (let line = 1; line <= count; line += 1) {
      await delay(intervalMs, undefined, { signal: gone.signal });
      if (!response.write(`line ${line}\n`)) await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
  } catch {
    response.destroy(); // the caller left
  }
}

/** Server-sent events: `count` of them (0 for ever), one every `intervalMs`, the first at once. */
async function sendEvents({ request, response, query }: JenkinsExchange): Promise<void> {
  request.resume();
  const count = Number(query.get('count') ?? 0);
  const intervalMs = Number(query.get('intervalMs') ?? 1000);
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.flushHeaders();
  try {
    for (let id = 1; count === 0 || id <= count; id += 1) {
      response.write(`id: ${id}\nevent: tick\ndata: {"tick":${id}}\n\n`);
      if (id !== count) await delay(intervalMs, undefined, { signal: gone.signal });
    }
    response.end();
  } catch {
    response.destroy(); // the caller left
  }
}
