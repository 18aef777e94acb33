/**
 * The pages that igor, clouddriver and people use: remote API, builds, queue, artifacts, crumbs.
 * The list of calls is that of igor's JenkinsClient.
 */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { beanXml, cutToTree, parseTree } from './bean.js';
import { blobChunks } from './blob.js';
import type { Build, BuildServer, Job } from './build-server.js';
import { buildRoot, jobRoot, queueItemRoot, serverBean } from './jenkins-beans.js';
import type { RootBean } from './jenkins-beans.js';
import type { JenkinsExchange } from './jenkins-exchange.js';
import { send, sendMissing, sendRedirect } from './jenkins-exchange.js';

/** The crumb that this Jenkins issues. */
export const CRUMB = 'fairlead-demo-crumb';

/** Answers a page of Jenkins; anything unknown is 404. */
export async function answerJenkins(server: BuildServer, exchange: JenkinsExchange): Promise<void> {
  const { segments } = exchange;
  const [first, second, third] = segments;
  if (first === 'queue') {
    answerQueue(server, exchange);
  } else if (first === 'crumbIssuer' && second === 'api') {
    const bean = { crumb: CRUMB, crumbRequestField: 'Jenkins-Crumb' };
    sendBean(exchange, { root: 'defaultCrumbIssuer', bean }, third);
  } else if (first === 'api') {
    const isDeep = exchange.query.has('tree');
    sendBean(exchange, serverBean(server.root, `${exchange.origin}/`, isDeep), second);
  } else {
    await answerJob(server, exchange);
  }
}

interface JobPath {
  readonly names: readonly string[];
  readonly rest: readonly string[];
}

/** Splits `job/A/job/B/7/stop` into the names A, B and the rest 7, stop. */
function jobPath(segments: readonly string[]): JobPath {
  const names: string[] = [];
  let position = 0;
  while (segments[position] === 'job') {
    names.push(segments[position + 1] ?? '');
    position += 2;
  }
  return { names, rest: segments.slice(position) };
}

async function answerJob(server: BuildServer, exchange: JenkinsExchange): Promise<void> {
  const { names, rest } = jobPath(exchange.segments);
  const job = names.length === 0 ? undefined : server.find(names);
  if (job === undefined) {
    sendMissing(exchange.response);
    return;
  }
  const url = `${exchange.origin}/${names.map((name) => `job/${encodeURIComponent(name)}/`).join('')}`;
  const [action, ...more] = rest;
  if (action === 'api') sendBean(exchange, jobRoot(job, url), more[0]);
  else if (action === 'build' || action === 'buildWithParameters') {
    startBuild(server, exchange, names, job);
  } else {
    const build = buildOf(job, action ?? '');
    if (build === undefined) sendMissing(exchange.response);
    else await answerBuild(server, exchange, { build, url, rest: more });
  }
}

function buildOf(job: Job, name: string): Build | undefined {
  if (name === 'lastBuild') return job.builds.at(-1);
  if (name === 'lastCompletedBuild' || name === 'lastSuccessfulBuild') {
    return job.builds.filter((build) => build.result !== undefined).at(-1);
  }
  return job.builds.find((build) => String(build.number) === name);
}

function startBuild(
  server: BuildServer,
  exchange: JenkinsExchange,
  names: readonly string[],
  job: Job,
): void {
  const { request, response, origin, query } = exchange;
  if (request.method !== 'POST') {
    send(response, 405, 'text/html;charset=utf-8', 'Form post required\n', { Allow: 'POST' });
    return;
  }
  request.resume();
  const item = server.enqueue(names, job, Object.fromEntries(query));
  response.writeHead(201, {
    'X-Jenkins': '2.479.1',
    Location: `${origin}/queue/item/${item.id}/`,
    'Content-Length': '0',
  });
  response.end();
}

interface BuildPage {
  readonly build: Build;
  /** URL of the job. */
  readonly url: string;
  readonly rest: readonly string[];
}

async function answerBuild(
  server: BuildServer,
  exchange: JenkinsExchange,
  page: BuildPage,
): Promise<void> {
  const { build, url, rest } = page;
  const [action, ...more] = rest;
  const { request, response } = exchange;
  switch (action) {
    case 'api':
      sendBean(exchange, buildRoot(build, url), more[0]);
      return;
    case 'stop':
      request.resume();
      server.abort(build);
      sendRedirect(response, 302, `${url}${build.number}/`);
      return;
    case 'submitDescription':
      build.description = await descriptionOf(exchange);
      sendRedirect(response, 302, `${url}${build.number}/`);
      return;
    case 'artifact':
      await sendArtifact(exchange, build, more.join('/'));
      return;
    case 'consoleText':
      send(response, 200, 'text/plain;charset=utf-8', consoleText(build));
      return;
    case 'logText':
      sendProgressiveLog(exchange, build);
      return;
    case undefined:
      sendBuildPage(response, build);
      return;
    default:
      sendMissing(response);
  }
}

function sendBuildPage(response: ServerResponse, build: Build): void {
  const page = `<html><body>Build #${build.number}</body></html>\n`;
  send(response, 200, 'text/html;charset=utf-8', page);
}

async function descriptionOf({ request, query }: JenkinsExchange): Promise<string> {
  const chunks: Buffer[] = [];
  // A request without an encoding set yields buffers.
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
  return form.get('description') ?? query.get('description') ?? '';
}

async function sendArtifact(exchange: JenkinsExchange, build: Build, file: string): Promise<void> {
  const { response } = exchange;
  const blob = /^blob-(\d+)$/.exec(file);
  if (blob) {
    const totalBytes = Number(blob[1]);
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(totalBytes),
    });
    await pipeline(Readable.from(blobChunks(totalBytes)), response);
  } else if (file === 'build.properties') {
    const lines = Object.entries({ ...build.parameters, number: String(build.number) });
    const text = lines.map(([name, value]) => `${name}=${value}\n`).join('');
    send(response, 200, 'application/octet-stream', text);
  } else if (file === 'report.txt') {
    send(response, 200, 'text/plain', `3 tests, 0 failures\n`);
  } else {
    sendMissing(response);
  }
}

function consoleText(build: Build): string {
  const end = build.result === undefined ? '' : `Finished: ${build.result}\n`;
  return `Started by user demo\nBuilding #${build.number}\n${end}`;
}

/** The log as Jenkins' pages poll it: the part after `start`, and whether more will come. */
function sendProgressiveLog({ response, query }: JenkinsExchange, build: Build): void {
  const text = consoleText(build);
  const start = Number(query.get('start') ?? 0);
  send(response, 200, 'text/plain;charset=utf-8', text.slice(start), {
    'X-Text-Size': String(text.length),
    ...(build.result === undefined ? { 'X-More-Data': 'true' } : {}),
  });
}

function answerQueue(server: BuildServer, exchange: JenkinsExchange): void {
  const { segments, query, response, request, origin } = exchange;
  const [, action, id, , format] = segments;
  if (action === 'cancelItem') {
    request.resume();
    const item = server.item(Number(query.get('id')));
    if (item !== undefined && item.build === undefined) item.isCancelled = true;
    response.writeHead(item === undefined ? 404 : 204);
    response.end();
    return;
  }
  const item = action === 'item' ? server.item(Number(id)) : undefined;
  if (item === undefined) {
    sendMissing(response);
    return;
  }
  const url = `${origin}/${item.path.map((name) => `job/${encodeURIComponent(name)}/`).join('')}`;
  sendBean(exchange, queueItemRoot(item, url), format);
}

/** Sends a bean as XML or JSON, with `tree` and `exclude` applied. */
function sendBean(exchange: JenkinsExchange, { root, bean }: RootBean, format = ''): void {
  const { query, response } = exchange;
  const tree = query.get('tree');
  const cut = tree === null ? bean : cutToTree(bean, parseTree(tree));
  if (format === 'json') {
    send(response, 200, 'application/json;charset=utf-8', JSON.stringify(cut));
  } else if (format === 'xml') {
    // A bean that is cut to a tree is still a bean.
    const xml = beanXml(root, cut as typeof bean, query.getAll('exclude'));
    send(response, 200, 'application/xml;charset=utf-8', xml);
  } else {
    sendMissing(response);
  }
}
