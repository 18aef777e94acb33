/**
 * Values that the apiserver fills in when an object is written, for the kinds of the demo.
 * Only what kubectl, clouddriver or a controller reads is set.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import {
  ensureObject,
  isJsonObject,
  listAt,
  objectAt,
  stringAt,
  textOf,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf, uidOf } from '../objects/kube-object.js';

/** Fills in missing fields of a new or changed object, in place. */
export function applyDefaults(object: KubeObject): void {
  DEFAULTS[object.kind]?.(object);
}

const DEFAULTS: Readonly<Record<string, (object: KubeObject) => void>> = {
  Pod: (pod) => {
    defaultPodSpec(ensureObject(pod, 'spec'));
    const spec = ensureObject(pod, 'spec');
    setMissing(spec, { serviceAccountName: 'default', serviceAccount: 'default' });
    setMissing(ensureObject(pod, 'status'), { phase: 'Pending', qosClass: 'BestEffort' });
  },
  Deployment: defaultDeployment,
  ReplicaSet: (object) => {
    setMissing(ensureObject(object, 'spec'), { replicas: 1 });
    defaultTemplate(object);
  },
  StatefulSet: (object) => {
    setMissing(ensureObject(object, 'spec'), {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    });
    defaultTemplate(object);
  },
  DaemonSet: (object) => {
    setMissing(ensureObject(object, 'spec'), {
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
    });
    defaultTemplate(object);
  },
  ReplicationController: (object) => {
    setMissing(ensureObject(object, 'spec'), { replicas: 1 });
    defaultTemplate(object);
  },
  Job: defaultJob,
  CronJob: (object) => {
    setMissing(ensureObject(object, 'spec'), {
      concurrencyPolicy: 'Allow',
      failedJobsHistoryLimit: 1,
      successfulJobsHistoryLimit: 3,
      suspend: false,
    });
  },
  Service: defaultService,
  Secret: (object) => {
    const strings = objectAt(object, 'stringData');
    for (const [key, value] of Object.entries(strings)) {
      ensureObject(object, 'data')[key] = Buffer.from(textOf(value)).toString('base64');
    }
    delete object['stringData'];
    setMissing(object, { type: 'Opaque' });
  },
  Namespace: (object) => {
    ensureObject(object, 'metadata', 'labels')['kubernetes.io/metadata.name'] = nameOf(object);
    setMissing(ensureObject(object, 'spec'), { finalizers: ['kubernetes'] });
    setMissing(ensureObject(object, 'status'), { phase: 'Active' });
  },
  HorizontalPodAutoscaler: (object) => {
    setMissing(ensureObject(object, 'spec'), { minReplicas: 1 });
  },
  PersistentVolumeClaim: (object) => {
    setMissing(ensureObject(object, 'spec'), { volumeMode: 'Filesystem' });
    setMissing(ensureObject(object, 'status'), { phase: 'Pending' });
  },
  CustomResourceDefinition: (object) => {
    const names = ensureObject(object, 'spec', 'names');
    const kind = stringAt(names, 'kind');
    setMissing(names, { listKind: `${kind}List`, singular: kind.toLowerCase() });
  },
};

function defaultDeployment(object: KubeObject): void {
  const spec = ensureObject(object, 'spec');
  setMissing(spec, {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate' },
  });
  const strategy = ensureObject(spec, 'strategy');
  setMissing(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] === 'RollingUpdate') {
    setMissing(ensureObject(strategy, 'rollingUpdate'), { maxSurge: '25%', maxUnavailable: '25%' });
  }
  defaultTemplate(object);
}

function defaultJob(object: KubeObject): void {
  const spec = ensureObject(object, 'spec');
  setMissing(spec, {
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    completions: 1,
    parallelism: 1,
    suspend: false,
  });
  if (spec['selector'] === undefined) {
    const labels = { 'batch.kubernetes.io/controller-uid': uidOf(object) };
    spec['selector'] = { matchLabels: labels };
    const own = {
      ...labels,
      'batch.kubernetes.io/job-name': nameOf(object),
      'job-name': nameOf(object),
    };
    Object.assign(ensureObject(spec, 'template', 'metadata', 'labels'), own);
  }
  defaultTemplate(object);
}

function defaultService(object: KubeObject): void {
  const spec = ensureObject(object, 'spec');
  setMissing(spec, {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
  });
  for (const port of objectsIn(listAt(spec, 'ports'))) {
    setMissing(port, { protocol: 'TCP', targetPort: port['port'] ?? 0 });
  }
  const address = stringAt(spec, 'clusterIP');
  if (address !== '') setMissing(spec, { clusterIPs: [address] });
}

function defaultTemplate(object: KubeObject): void {
  if (!isJsonObject(objectAt(object, 'spec')['template'])) return;
  defaultPodSpec(ensureObject(object, 'spec', 'template', 'spec'));
}

function defaultPodSpec(spec: JsonObject): void {
  setMissing(spec, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  });
  for (const container of objectsIn(listAt(spec, 'containers'))) {
    const image = stringAt(container, 'image');
    const isLatest = !image.includes(':') || image.endsWith(':latest');
    setMissing(container, {
      imagePullPolicy: isLatest ? 'Always' : 'IfNotPresent',
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    });
    for (const port of objectsIn(listAt(container, 'ports'))) setMissing(port, { protocol: 'TCP' });
  }
}

function setMissing(target: JsonObject, values: JsonObject): void {
  for (const [key, value] of Object.entries(values)) {
    if (target[key] === undefined) target[key] = value;
  }
}

function objectsIn(list: readonly Json[]): JsonObject[] {
  return list.filter(isJsonObject);
}
