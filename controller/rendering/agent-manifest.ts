/**
 * Renders everything an agent needs in its cluster as one file for `kubectl apply`. Names and labels
 * are v3.5's, so that applying it over a manifest from SAPOR replaces that agent. Pure; the control API
 * issues the certificate and calls it. The parts: agent-access.ts, agent-settings.ts, agent-workload.ts and, for
 * both of these, agent-metrics-tls.ts.
 */
import type { OperationsTls } from '../../shared/config/operations-tls.js';
import { agentAccess } from './agent-access.js';
import { agentSettings } from './agent-settings.js';
import { agentWorkload } from './agent-workload.js';
import { agentObjectName } from './name-rules.js';
import { yamlStream, type YamlDocument } from './yaml-text.js';

/**
 * What the agent may do in its cluster; the first is the default.
 * `cluster`: everything, as v3.5's manifests. `namespaced`: everything inside certain namespaces.
 * `view`: read everything but Secrets. `none`: nothing (for agents of Jenkins and the like).
 */
export const AGENT_ACCESS = ['cluster', 'namespaced', 'view', 'none'] as const;
export type AgentAccess = (typeof AGENT_ACCESS)[number];

/** What an agent manifest is made of. */
export interface AgentManifestOptions {
  readonly agent: string;
  readonly namespace: string;
  /** Whether the file also creates the namespace (and `kubectl delete -f` removes it, with all in it). */
  readonly createNamespace: boolean;
  readonly replicas: number;
  /** An image whose entry point is the `fairlead` command. */
  readonly image: string;
  readonly access: AgentAccess;
  /** For access `namespaced`; empty means the agent's own. */
  readonly targetNamespaces: readonly string[];
  /** Name of the kubernetes service that the agent offers at once. */
  readonly kubernetesName: string;
  /** Secrets in the agent's namespace that its services name by secretName. */
  readonly secretNames: readonly string[];
  /** Unless off, the pods wait for a Secret with the certificate: agent-metrics-tls.ts. */
  readonly prometheusTls: OperationsTls;
  readonly controllerHost: string;
  readonly controllerPort: number;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
  /** End of the certificate's validity, ms since the epoch. */
  readonly notAfter: number;
  /** Version of the controller that made the manifest. */
  readonly version: string;
}

/** The manifest as a YAML stream; the same options give the same text. */
export function renderAgentManifest(options: AgentManifestOptions): string {
  const settings = agentSettings(options);
  const [first, ...others] = [
    ...namespaceDocument(options),
    ...agentAccess(options),
    ...settings.documents,
    ...agentWorkload(options, settings.sha256),
  ];
  if (first === undefined) return '';
  const opening = { ...first, comment: [...introduction(options), '', ...first.comment] };
  return yamlStream([opening, ...others]);
}

function namespaceDocument({ createNamespace, namespace }: AgentManifestOptions): YamlDocument[] {
  if (!createNamespace) return [];
  return [
    {
      comment: ['"kubectl delete -f" with this file removes the namespace and everything in it.'],
      content: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    },
  ];
}

function introduction(options: AgentManifestOptions): string[] {
  const { agent, namespace, notAfter } = options;
  const name = agentObjectName(agent);
  return [
    `Agent "${agent}" for the controller at ${options.controllerHost}:${options.controllerPort}, made by Fairlead ${options.version}.`,
    'This file is a secret: it holds the private key by which the controller knows the agent.',
    `The certificate is valid until ${new Date(notAfter).toISOString()}; generate and apply a new manifest before.`,
    '',
    'Install:    kubectl apply -f THIS_FILE',
    `Watch:      kubectl -n ${namespace} rollout status deployment/${name}`,
    `Log:        kubectl -n ${namespace} logs -l app=${name} --tail=50`,
    '',
    'Over a manifest from ISD it takes the place of that agent. If kubectl then calls the type of a Secret or a',
    'roleRef immutable, delete that object and apply this file again.',
    'OpenShift assigns user ids itself: remove runAsUser, runAsGroup and fsGroup there.',
  ];
}
