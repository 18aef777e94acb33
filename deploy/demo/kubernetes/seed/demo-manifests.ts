/** The objects of the demo cluster, as manifests a person could have applied. */
import type { JsonObject } from '../objects/json-value.js';

/** Namespaces of every cluster, seeded or not. */
export const SYSTEM_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** The pod that logs a line a second. */
export const TICKER = { namespace: 'demo', pod: 'ticker', container: 'ticker' };

const DEMO = 'demo';

/** Two nodes. */
export function nodeManifests(minor: number): JsonObject[] {
  return ['node-1', 'node-2'].map((name, index) => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...(index === 0 ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
      },
    },
    spec: { podCIDR: `10.244.${index}.0/24` },
    status: {
      capacity: { cpu: '4', memory: '8Gi', pods: '110' },
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
        },
      ],
      addresses: [
        { type: 'InternalIP', address: `10.0.0.${index + 1}` },
        { type: 'Hostname', address: name },
      ],
      nodeInfo: {
        architecture: 'amd64',
        containerRuntimeVersion: 'containerd://1.7.0',
        kernelVersion: '6.1.0',
        kubeletVersion: `v1.${minor}.0`,
        operatingSystem: 'linux',
        osImage: 'Demo Linux',
      },
    },
  }));
}

/** What a seeded cluster contains. */
export function demoManifests(): JsonObject[] {
  return [
    ...applicationManifests(),
    ...webManifests(),
    ...jobManifests(),
    ...configurationManifests(),
    ...accessManifests(),
  ];
}

function applicationManifests(): JsonObject[] {
  return [
    workload('apps/v1', 'Deployment', 'web', {
      replicas: 3,
      template: podTemplate('web', 'nginx:1.25'),
    }),
    workload('apps/v1', 'StatefulSet', 'db', {
      replicas: 2,
      serviceName: 'db',
      template: podTemplate('db', 'postgres:16'),
    }),
    workload('apps/v1', 'DaemonSet', 'node-agent', {
      template: podTemplate('node-agent', 'agent:2'),
    }),
    { ...bare('v1', 'Pod', TICKER.pod), spec: podSpec('ticker', 'ticker:1') },
  ];
}

/** What belongs to the web deployment. */
function webManifests(): JsonObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: DEMO, labels: { app: 'web' } },
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 80 }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web', namespace: DEMO },
      spec: {
        ingressClassName: 'nginx',
        rules: [
          {
            host: 'web.example.com',
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: 'web', port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    },
    {
      ...bare('autoscaling/v1', 'HorizontalPodAutoscaler', 'web'),
      spec: {
        minReplicas: 1,
        maxReplicas: 5,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      },
    },
    {
      ...bare('policy/v1', 'PodDisruptionBudget', 'web'),
      spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
    },
  ];
}

function jobManifests(): JsonObject[] {
  return [
    {
      ...bare('batch/v1', 'Job', 'migrate'),
      spec: { template: { spec: { ...podSpec('migrate', 'migrate:1'), restartPolicy: 'Never' } } },
    },
    {
      ...bare('batch/v1', 'CronJob', 'report'),
      spec: {
        schedule: '0 3 * * *',
        jobTemplate: {
          spec: {
            template: { spec: { ...podSpec('report', 'report:1'), restartPolicy: 'Never' } },
          },
        },
      },
    },
  ];
}

function configurationManifests(): JsonObject[] {
  return [
    { ...bare('v1', 'ConfigMap', 'web-settings'), data: { color: 'teal', mode: 'demo' } },
    { ...bare('v1', 'Secret', 'web-login'), type: 'Opaque', stringData: { user: 'demo' } },
    { ...bare('v1', 'ResourceQuota', 'demo'), spec: { hard: { pods: '50' } } },
    {
      ...bare('v1', 'LimitRange', 'demo'),
      spec: { limits: [{ type: 'Container', defaultRequest: { cpu: '50m' } }] },
    },
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'standard' },
      provisioner: 'demo.example.com/disk',
    },
  ];
}

function accessManifests(): JsonObject[] {
  const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'cluster-admin' },
      rules: [everything],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'cluster-admin' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:masters' }],
    },
  ];
}

function bare(apiVersion: string, kind: string, name: string): JsonObject {
  return { apiVersion, kind, metadata: { name, namespace: DEMO, labels: { app: name } } };
}

function workload(apiVersion: string, kind: string, app: string, spec: JsonObject): JsonObject {
  return { ...bare(apiVersion, kind, app), spec: { selector: { matchLabels: { app } }, ...spec } };
}

function podTemplate(app: string, image: string): JsonObject {
  return { metadata: { labels: { app } }, spec: podSpec(app, image) };
}

function podSpec(name: string, image: string): JsonObject {
  return { containers: [{ name, image, ports: [{ containerPort: 80 }] }] };
}
