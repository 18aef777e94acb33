/**
 * The part of an agent manifest that runs: Deployment and PodDisruptionBudget. Several pods share the
 * agent's name and serve side by side, so updates and node drains take one at a time.
 */
import { AGENT_HEAP_MIB, AGENT_MEMORY_LIMIT_MIB } from './agent-memory.js';
import type { AgentManifestOptions } from './agent-manifest.js';
import { agentMetricsTls } from './agent-metrics-tls.js';
import { agentLabels, agentMetadata } from './agent-object.js';
import { agentObjectName } from './name-rules.js';
import type { YamlDocument } from './yaml-text.js';

/** Metrics and health of the agent; the default of its `prometheusListenPort`. */
const OPERATIONS_PORT = 9102;
/** Any user without an entry in the image; not root. */
const USER_ID = 65532;
/** Longer than an agent takes to drain its requests after SIGTERM (limits.drainGraceMs, 25 s), with a margin to exit. */
const TERMINATION_GRACE_SECONDS = 45;

/** Deployment and PodDisruptionBudget; `settingsSha256` changes with what the pods read at start. */
export function agentWorkload(
  options: AgentManifestOptions,
  settingsSha256: string,
): YamlDocument[] {
  return [
    { comment: [], content: disruptionBudget(options) },
    { comment: [], content: deployment(options, settingsSha256) },
  ];
}

function disruptionBudget(options: AgentManifestOptions): object {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: agentMetadata(options),
    // A number of those that may go, not of those that must stay: that would block drains at one replica.
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(options) } },
  };
}

function deployment(options: AgentManifestOptions, settingsSha256: string): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: agentMetadata(options),
    spec: {
      replicas: options.replicas,
      selector: { matchLabels: selectorOf(options) },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: agentLabels(options.agent),
          annotations: {
            'agent.opsmx.com/settings-sha256': settingsSha256,
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': String(OPERATIONS_PORT),
            ...agentMetricsTls(options).annotations,
          },
        },
        spec: podSpec(options),
      },
    },
  };
}

function podSpec(options: AgentManifestOptions): object {
  return {
    serviceAccountName: agentObjectName(options.agent),
    enableServiceLinks: false,
    terminationGracePeriodSeconds: TERMINATION_GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      fsGroup: USER_ID,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...spreadOverNodes(selectorOf(options)),
    containers: [container(options)],
    volumes: volumes(options),
  };
}

/** Wishes, not demands: a cluster with one node runs all replicas on it. */
function spreadOverNodes(labels: object): object {
  return {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labels },
      },
    ],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: {
              topologyKey: 'kubernetes.io/hostname',
              labelSelector: { matchLabels: labels },
            },
          },
        ],
      },
    },
  };
}

function container(options: AgentManifestOptions): object {
  const tls = agentMetricsTls(options);
  const probe = (path: string): object => ({
    httpGet: { path, port: 'operations', ...tls.probe },
    timeoutSeconds: 3,
  });
  return {
    name: agentObjectName(options.agent),
    image: options.image,
    args: ['agent', '--config', '/app/config/config.yaml'],
    env: [
      // Tells the agent where to read Secrets, and that it runs in a cluster.
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: 'NODE_OPTIONS', value: `--max-old-space-size=${AGENT_HEAP_MIB}` },
    ],
    ports: [{ name: 'operations', containerPort: OPERATIONS_PORT }],
    startupProbe: { ...probe('/livez'), periodSeconds: 2, failureThreshold: 30 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5, failureThreshold: 2 },
    resources: {
      requests: { cpu: '100m', memory: '128Mi' }, // idle: about 90 MiB
      // No limit on CPU: throttling would delay heartbeats and every request under way.
      limits: { memory: `${AGENT_MEMORY_LIMIT_MIB}Mi` },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'config', mountPath: '/app/config', readOnly: true },
      { name: 'certificate', mountPath: '/app/secrets/agent', readOnly: true },
      ...tls.volumeMounts,
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

/**
 * Whole directories, not subPath: files mounted by subPath never change under a running pod. In a
 * projected volume a file of a later source replaces one of the same name from an earlier source.
 */
function volumes(options: AgentManifestOptions): object[] {
  const name = agentObjectName(options.agent);
  const servicesName = `opsmx-services-${options.agent}`;
  return [
    {
      name: 'config',
      projected: {
        // Group-readable through fsGroup, and by nobody else.
        defaultMode: 0o440,
        sources: [
          { configMap: { name, items: [{ key: 'services.yaml', path: 'services.yaml' }] } },
          { configMap: { name: servicesName, optional: true } },
          { secret: { name: servicesName, optional: true } },
          { configMap: { name, items: [{ key: 'configFile', path: 'config.yaml' }] } },
        ],
      },
    },
    { name: 'certificate', secret: { secretName: name, defaultMode: 0o440 } },
    ...agentMetricsTls(options).volumes,
    { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
  ];
}

/** v3.5's selector exactly: it cannot be changed on a Deployment that exists. */
function selectorOf({ agent }: AgentManifestOptions): Record<string, string> {
  return { app: agentObjectName(agent) };
}
