/**
 * Schedules, starts and stops pods: what the scheduler and the kubelets of a cluster do.
 * Pods of jobs run for a moment and succeed. An image whose tag is `missing` cannot be pulled.
 */
import type { JsonObject } from '../objects/json-value.js';
import { isJsonObject, ensureObject, listAt, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  apiTime,
  isTerminating,
  nameOf,
  namespaceOf,
  ownersOf,
  uidOf,
} from '../objects/kube-object.js';
import type { Controller, ControllerContext } from './controller.js';
import { condition, edit, KEYS } from './controller.js';
import { recordEvent } from './event-recorder.js';

/** The controller of pods. */
export function podKubelet(context: ControllerContext): Controller {
  const { cluster, queue } = context;
  const { podStartMs, podStopMs, jobRunMs } = cluster.timings;
  let started = 0;

  const later = (
    pod: KubeObject,
    delayMs: number,
    step: string,
    run: (current: KubeObject) => void,
  ) => {
    queue.after(delayMs, `pod ${uidOf(pod)} ${step}`, () => {
      const current = cluster.store.get(KEYS.pods, namespaceOf(pod), nameOf(pod));
      if (current !== undefined && uidOf(current) === uidOf(pod)) run(current);
    });
  };
  const start = (pod: KubeObject) => {
    if (isTerminating(pod) || stringAt(pod, 'status', 'phase') !== 'Pending') return;
    started += 1;
    const running = startPod(context, pod, started);
    if (ownersOf(running).some((owner) => owner.kind === 'Job')) {
      later(running, jobRunMs, 'finish', (current) => finishPod(context, current));
    }
  };
  return ({ type, key, object }) => {
    if (key !== KEYS.pods) return;
    if (type === 'DELETED') {
      cluster.podLogs.remove(namespaceOf(object), nameOf(object));
    } else if (isTerminating(object)) {
      later(object, podStopMs, 'stop', (current) => stopPod(context, current));
    } else if (type === 'ADDED' && stringAt(object, 'status', 'phase') === 'Pending') {
      later(object, 0, 'schedule', (current) => schedulePod(context, current));
      later(object, podStartMs, 'start', start);
    }
  };
}

function schedulePod(context: ControllerContext, pod: KubeObject): void {
  const { cluster } = context;
  if (stringAt(pod, 'spec', 'nodeName') !== '') return;
  const nodes = cluster.store.list(KEYS.nodes);
  const load = (node: KubeObject) =>
    cluster.store
      .list(KEYS.pods)
      .filter((other) => stringAt(other, 'spec', 'nodeName') === nameOf(node)).length;
  const free = nodes.filter((node) => ensureObject({ ...node }, 'spec')['unschedulable'] !== true);
  const [chosen] = free.sort((left, right) => load(left) - load(right));
  if (chosen === undefined) return;
  edit(context, KEYS.pods, pod, (copy) => {
    ensureObject(copy, 'spec')['nodeName'] = nameOf(chosen);
  });
  recordEvent(context, pod, {
    component: 'default-scheduler',
    reason: 'Scheduled',
    message: `Successfully assigned ${namespaceOf(pod)}/${nameOf(pod)} to ${nameOf(chosen)}`,
  });
}

function startPod(context: ControllerContext, pod: KubeObject, ordinal: number): KubeObject {
  const time = apiTime(context.cluster.now());
  const containers = listAt(pod, 'spec', 'containers').filter(isJsonObject);
  const missing = containers.find((container) => stringAt(container, 'image').endsWith(':missing'));
  const started = edit(context, KEYS.pods, pod, (copy) => {
    const address = `10.244.${Math.floor(ordinal / 250)}.${(ordinal % 250) + 1}`;
    const isReady = missing === undefined;
    copy['status'] = {
      phase: isReady ? 'Running' : 'Pending',
      conditions: podConditions(pod, isReady, time),
      hostIP: '10.0.0.1',
      podIP: address,
      podIPs: [{ ip: address }],
      qosClass: 'BestEffort',
      startTime: time,
      containerStatuses: containers.map((container) => containerStatus(container, isReady, time)),
    };
  });
  if (missing !== undefined) return started;
  for (const container of containers) {
    const name = stringAt(container, 'name');
    recordEvent(context, started, {
      component: 'kubelet',
      reason: 'Started',
      message: `Started container ${name}`,
      fieldPath: `spec.containers{${name}}`,
    });
    context.cluster.podLogs.append(namespaceOf(pod), nameOf(pod), name, `${name} started`);
  }
  return started;
}

function podConditions(pod: KubeObject, isReady: boolean, time: string): JsonObject[] {
  const ready = isReady ? 'True' : 'False';
  const reason = isReady ? '' : 'ContainersNotReady';
  const states = [
    ['Initialized', 'True', ''],
    ['Ready', ready, reason],
    ['ContainersReady', ready, reason],
    ['PodScheduled', 'True', ''],
  ] as const;
  return states.map(([type, status, why]) =>
    condition(pod, type, status, { reason: why, message: '', time }),
  );
}

function containerStatus(container: JsonObject, isRunning: boolean, time: string): JsonObject {
  const image = stringAt(container, 'image');
  const waiting = {
    reason: 'ImagePullBackOff',
    message: `Back-off pulling image "${image}"`,
  };
  return {
    name: stringAt(container, 'name'),
    image,
    imageID: isRunning ? `demo://${image}` : '',
    containerID: isRunning ? `demo://${stringAt(container, 'name')}` : '',
    ready: isRunning,
    started: isRunning,
    restartCount: 0,
    lastState: {},
    state: isRunning ? { running: { startedAt: time } } : { waiting },
  };
}

/** The containers of a job's pod end well. */
function finishPod(context: ControllerContext, pod: KubeObject): void {
  if (isTerminating(pod) || stringAt(pod, 'status', 'phase') !== 'Running') return;
  const time = apiTime(context.cluster.now());
  context.cluster.podLogs.end(namespaceOf(pod), nameOf(pod));
  edit(context, KEYS.pods, pod, (copy) => {
    const status = ensureObject(copy, 'status');
    status['phase'] = 'Succeeded';
    status['conditions'] = podConditions(pod, false, time);
    for (const container of listAt(status, 'containerStatuses').filter(isJsonObject)) {
      const startedAt = stringAt(container, 'state', 'running', 'startedAt');
      container['ready'] = false;
      container['started'] = false;
      container['state'] = {
        terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: time },
      };
    }
  });
}

function stopPod(context: ControllerContext, pod: KubeObject): void {
  const { store, podLogs } = context.cluster;
  podLogs.end(namespaceOf(pod), nameOf(pod));
  if (listAt(pod, 'metadata', 'finalizers').length > 0) return;
  store.remove(KEYS.pods, namespaceOf(pod), nameOf(pod));
}
