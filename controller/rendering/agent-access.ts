/**
 * The part of an agent manifest that says what the agent may do: its ServiceAccount, the rights over the
 * cluster that Spinnaker will use through it, and the right to read the Secrets its services name.
 *
 * What clouddriver needs: to list every kind it caches and the CustomResourceDefinitions, and to create,
 * patch and delete whatever pipelines deploy, which may be any kind. Hence cluster-admin by default, as
 * v3.5's manifests gave it. With fewer rights the account wants `namespaces`, `kinds` or
 * `checkPermissionsOnStartup: false` to match; the comments in the manifest say so.
 */
import { assertNever } from '../../shared/errors.js';
import type { AgentManifestOptions } from './agent-manifest.js';
import { agentLabels, agentMetadata } from './agent-object.js';
import { agentObjectName } from './name-rules.js';
import type { YamlDocument } from './yaml-text.js';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const RBAC_VERSION = `${RBAC_GROUP}/v1`;

/** ServiceAccount, roles and bindings. */
export function agentAccess(options: AgentManifestOptions): YamlDocument[] {
  return [
    {
      comment: [],
      content: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: agentMetadata(options) },
    },
    ...clusterAccess(options),
    ...secretAccess(options),
  ];
}

function clusterAccess(options: AgentManifestOptions): YamlDocument[] {
  switch (options.access) {
    case 'cluster':
      return [
        {
          comment: [
            'All rights in the cluster, so that pipelines can deploy any kind anywhere. To give fewer, generate',
            'the manifest with rbac namespaced, view or none, and delete this ClusterRoleBinding.',
          ],
          content: clusterRoleBinding(options, agentObjectName(options.agent), 'cluster-admin'),
        },
      ];
    case 'namespaced':
      return namespacedAccess(options);
    case 'view':
      return viewAccess(options);
    case 'none':
      return [];
    default:
      return assertNever(options.access);
  }
}

function namespacedAccess(options: AgentManifestOptions): YamlDocument[] {
  const { targetNamespaces, namespace } = options;
  const targets = targetNamespaces.length === 0 ? [namespace] : targetNamespaces;
  return targets.map((target, position) => ({
    comment:
      position === 0
        ? [
            'All rights inside the namespaces below. Give the Spinnaker account the same list:',
            `  namespaces: [${targets.join(', ')}]`,
          ]
        : [],
    content: {
      apiVersion: RBAC_VERSION,
      kind: 'RoleBinding',
      metadata: {
        name: agentObjectName(options.agent),
        namespace: target,
        labels: agentLabels(options.agent),
      },
      roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: 'admin' },
      subjects: [subjectOf(options)],
    },
  }));
}

function viewAccess(options: AgentManifestOptions): YamlDocument[] {
  const name = `${agentObjectName(options.agent)}-view`;
  return [
    {
      comment: [
        'Read access to the cluster, without Secrets. Pipelines cannot deploy with it. Give the Spinnaker account',
        '  omitKinds: [secret]',
      ],
      content: clusterRoleBinding(options, name, 'view'),
    },
    {
      comment: [
        "What clouddriver reads beyond the built-in role view: custom kinds' names, nodes, usage.",
      ],
      content: {
        apiVersion: RBAC_VERSION,
        kind: 'ClusterRole',
        metadata: { name: `${name}-cluster`, labels: agentLabels(options.agent) },
        rules: [
          {
            apiGroups: ['apiextensions.k8s.io'],
            resources: ['customresourcedefinitions'],
            verbs: ['get', 'list', 'watch'],
          },
          { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
          { apiGroups: ['metrics.k8s.io'], resources: ['nodes', 'pods'], verbs: ['get', 'list'] },
        ],
      },
    },
    { comment: [], content: clusterRoleBinding(options, `${name}-cluster`, `${name}-cluster`) },
  ];
}

/**
 * By name and in its own namespace only: a Role without resourceNames would open every Secret there. Writing
 * the list into a manifest is a conscious act of whoever applies it.
 */
function secretAccess(options: AgentManifestOptions): YamlDocument[] {
  const name = `${agentObjectName(options.agent)}-secrets`;
  const metadata = {
    name,
    namespace: options.namespace,
    labels: agentLabels(options.agent),
  };
  return [
    {
      comment: [
        'Secrets that services may name by "secretName". Add the names of yours, or generate with secretNames.',
      ],
      content: {
        apiVersion: RBAC_VERSION,
        kind: 'Role',
        metadata,
        rules: [
          {
            apiGroups: [''],
            resources: ['secrets'],
            resourceNames: [
              ...new Set([`opsmx-services-${options.agent}`, ...options.secretNames]),
            ],
            // A watch by name is allowed by a rule with that resourceName; a list of all is not.
            verbs: ['get', 'watch'],
          },
        ],
      },
    },
    {
      comment: [],
      content: {
        apiVersion: RBAC_VERSION,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: RBAC_GROUP, kind: 'Role', name },
        subjects: [subjectOf(options)],
      },
    },
  ];
}

function clusterRoleBinding(options: AgentManifestOptions, name: string, role: string): object {
  return {
    apiVersion: RBAC_VERSION,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: agentLabels(options.agent) },
    roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: role },
    subjects: [subjectOf(options)],
  };
}

function subjectOf({ agent, namespace }: AgentManifestOptions): object {
  return { kind: 'ServiceAccount', name: agentObjectName(agent), namespace };
}
