/**
 * A small Kubernetes API server, good enough for real kubectl of every version. It is the target
 * of `fairlead demo` and of the end-to-end tests and knows nothing of the tunnel.
 * This file starts and stops the parts; what they do is in http/, handlers/, controllers/,
 * streaming/ and store/.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubernetesApiOptions, RecordedRequest } from './api-options.js';
import { ApiHandler } from './api-handler.js';
import type { Cluster } from './cluster.js';
import { createCluster } from './cluster.js';
import { ClusterObjects } from './cluster-objects.js';
import { startControllers } from './controllers/cluster-controllers.js';
import { startListener } from './http/listener.js';
import { OpenStreams } from './open-streams.js';
import { RequestGate } from './request-gate.js';
import { RequestRecorder } from './request-recorder.js';
import { seedCluster, startTicker } from './seed/seed-cluster.js';
import { startContainerPage } from './streaming/container-page.js';
import { PodStreams } from './streaming/pod-streams.js';

/** What is open on the server now. */
export interface OpenCounts {
  readonly watches: number;
  readonly logFollows: number;
  readonly upgrades: number;
  readonly sockets: number;
}

/** A running demo API server. */
export interface KubernetesApi {
  /** `https://127.0.0.1:PORT` or `http://…`. */
  readonly url: string;
  readonly port: number;
  /** Requests that arrived. */
  readonly requests: RequestRecorder<RecordedRequest>;
  /** The cluster's objects; changes reach open watches at once. */
  readonly objects: ClusterObjects;
  /** Adds a log line to a container of a pod. */
  appendLog(namespace: string, pod: string, container: string, text: string): void;
  /** Makes older resource versions answer 410, as compaction does. */
  compactHistory(): void;
  open(): OpenCounts;
  /** Ends every connection, timer and process. Calling it twice is safe. */
  close(): Promise<void>;
}

/** Starts a demo API server. Rejects when it cannot listen or an option is wrong. */
export async function startKubernetesApi(
  options: KubernetesApiOptions = {},
): Promise<KubernetesApi> {
  const { cluster, objects, stop } = startCluster(options);
  const recorder = new RequestRecorder<RecordedRequest>(options.recordedRequests ?? 10_000);
  const streams = new OpenStreams();
  const page = (options.seed ?? true) ? await startContainerPage() : undefined;
  const handler = new ApiHandler({
    cluster,
    gate: new RequestGate(options, recorder),
    streams,
    podStreams: new PodStreams(options, () => page?.port),
  });
  const host = options.host ?? '127.0.0.1';
  const listener = await startListener({
    host,
    port: options.port ?? 0,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    maxStreams: cluster.minor >= 29 ? 100 : 250, // the apiserver's default of that version
    onRequest: (request: IncomingMessage, response: ServerResponse) =>
      handler.handle(request, response),
    onUpgrade: (request, socket, head) => handler.handleUpgrade(request, socket, head),
  });
  const close = onceOnly(async () => {
    stop();
    await Promise.all([listener.close(), page?.close()]);
  });
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${listener.port}`,
    port: listener.port,
    requests: recorder,
    objects,
    appendLog: (...line) => cluster.podLogs.append(...line),
    compactHistory: () => cluster.store.compact(),
    open: () => ({
      watches: streams.count('watches'),
      logFollows: streams.count('logFollows'),
      upgrades: streams.count('upgrades'),
      sockets: listener.openSockets(),
    }),
    close,
  };
}

interface RunningCluster {
  readonly cluster: Cluster;
  readonly objects: ClusterObjects;
  stop(): void;
}

/** A cluster with its controllers at work and the seed complete. */
function startCluster(options: KubernetesApiOptions): RunningCluster {
  const cluster = createCluster(options);
  const objects = new ClusterObjects(cluster);
  const controllers = startControllers(cluster);
  const isSeeded = options.seed ?? true;
  seedCluster(cluster, objects, isSeeded);
  controllers.settle();
  const stopTicker = isSeeded ? startTicker(cluster) : () => undefined;
  return {
    cluster,
    objects,
    stop: () => {
      stopTicker();
      controllers.stop();
    },
  };
}

function onceOnly(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= run());
}
