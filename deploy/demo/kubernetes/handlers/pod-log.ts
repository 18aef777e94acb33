/** The log subresource of pods: `kubectl logs` with all its options. */
import { isTrue } from '../http/exchange.js';
import { commonHeaders } from '../http/respond.js';
import { listAt, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf, namespaceOf } from '../objects/kube-object.js';
import { badRequest } from '../status-error.js';
import type { LogLine } from '../store/pod-logs.js';
import type { ResourceRequest } from './handler-context.js';
import { requestedObject } from './handler-context.js';

/** Sends the lines, and follows later ones when asked. */
export function readPodLog(request: ResourceRequest): void {
  const { cluster, exchange } = request;
  const pod = requestedObject(request);
  const container = containerOf(pod, exchange.query.get('container') ?? '');
  if (isTrue(exchange.query, 'previous')) {
    throw badRequest(
      `previous terminated container "${container}" in pod "${nameOf(pod)}" not found`,
    );
  }
  if (stringAt(pod, 'status', 'phase') === 'Pending') {
    throw badRequest(
      `container "${container}" in pod "${nameOf(pod)}" is waiting to start: ContainerCreating`,
    );
  }
  const place = [namespaceOf(pod), nameOf(pod), container] as const;
  const hasTimes = isTrue(exchange.query, 'timestamps');
  exchange.response.writeHead(200, { ...commonHeaders(), 'Content-Type': 'text/plain' });
  exchange.response.flushHeaders();
  const lines = selectedLines(cluster.podLogs.lines(...place), exchange.query, cluster.now());
  const text = lines.map((line) => lineText(line, hasTimes)).join('');
  const limitBytes = Number(exchange.query.get('limitBytes') ?? Infinity);
  exchange.response.write(text.slice(0, limitBytes));
  const isFollowing = isTrue(exchange.query, 'follow') && !cluster.podLogs.hasEnded(...place);
  if (!isFollowing) exchange.response.end();
  else followLog(request, place, hasTimes);
}

function followLog(
  request: ResourceRequest,
  place: readonly [string, string, string],
  hasTimes: boolean,
): void {
  const { cluster, exchange, streams } = request;
  const close = streams.open('logFollows');
  const unfollow = cluster.podLogs.follow(...place, (line) => {
    if (line === undefined) exchange.response.end();
    else exchange.response.write(lineText(line, hasTimes));
  });
  const cleanup = () => {
    unfollow();
    close();
  };
  if (exchange.signal.aborted) cleanup();
  else exchange.signal.addEventListener('abort', cleanup, { once: true });
}

function containerOf(pod: KubeObject, wanted: string): string {
  const names = listAt(pod, 'spec', 'containers').map((container) => stringAt(container, 'name'));
  if (wanted === '') {
    const [only, ...others] = names;
    if (only !== undefined && others.length === 0) return only;
    throw badRequest(
      `a container name must be specified for pod ${nameOf(pod)}, choose one of: [${names.join(' ')}]`,
    );
  }
  if (!names.includes(wanted)) {
    throw badRequest(`container ${wanted} is not valid for pod ${nameOf(pod)}`);
  }
  return wanted;
}

function selectedLines(
  lines: readonly LogLine[],
  query: URLSearchParams,
  now: Date,
): readonly LogLine[] {
  const sinceTime = query.get('sinceTime');
  const sinceSeconds = query.get('sinceSeconds');
  let earliest = -Infinity;
  if (sinceTime !== null) earliest = Date.parse(sinceTime);
  if (sinceSeconds !== null) earliest = now.getTime() - Number(sinceSeconds) * 1000;
  const recent = lines.filter((line) => line.time.getTime() >= earliest);
  const tail = query.get('tailLines');
  if (tail === null) return recent;
  return Number(tail) === 0 ? [] : recent.slice(-Number(tail));
}

function lineText(line: LogLine, hasTimes: boolean): string {
  return hasTimes ? `${line.time.toISOString()} ${line.text}\n` : `${line.text}\n`;
}
