/**
 * The one table of built-in resources. Adding a row makes a kind known to discovery, OpenAPI,
 * routing and `kubectl get`; its fields are described in schemas/.
 */
import * as cluster from './cluster-columns.js';
import { plainColumns } from './column.js';
import { nodeColumns, podColumns } from './pod-columns.js';
import type { ResourceDefinition, ResourceVersion } from './resource-definition.js';
import * as workload from './workload-columns.js';

type Row = Pick<ResourceDefinition, 'plural' | 'kind'> & Partial<ResourceDefinition>;

const V1: readonly ResourceVersion[] = [{ name: 'v1' }];

function rows(
  group: string,
  versions: readonly ResourceVersion[],
  entries: readonly Row[],
): ResourceDefinition[] {
  return entries.map((row) => ({
    group,
    versions,
    singular: row.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    isNamespaced: true,
    access: 'all',
    subresources: [],
    selectableFields: [],
    columns: plainColumns,
    ...row,
  }));
}

const EVENT_FIELDS = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

const coreRows = rows('', V1, [
  {
    plural: 'configmaps',
    kind: 'ConfigMap',
    shortNames: ['cm'],
    columns: cluster.configMapColumns,
  },
  { plural: 'endpoints', kind: 'Endpoints', shortNames: ['ep'], columns: cluster.endpointsColumns },
  {
    plural: 'events',
    kind: 'Event',
    shortNames: ['ev'],
    selectableFields: EVENT_FIELDS,
    columns: cluster.eventColumns,
  },
  { plural: 'limitranges', kind: 'LimitRange', shortNames: ['limits'] },
  {
    plural: 'namespaces',
    kind: 'Namespace',
    shortNames: ['ns'],
    isNamespaced: false,
    subresources: ['status', 'finalize'],
    selectableFields: ['status.phase'],
    columns: cluster.namespaceColumns,
  },
  {
    plural: 'nodes',
    kind: 'Node',
    shortNames: ['no'],
    isNamespaced: false,
    subresources: ['status'],
    selectableFields: ['spec.unschedulable'],
    columns: nodeColumns,
  },
  {
    plural: 'persistentvolumeclaims',
    kind: 'PersistentVolumeClaim',
    shortNames: ['pvc'],
    subresources: ['status'],
    columns: cluster.volumeClaimColumns,
  },
  {
    plural: 'persistentvolumes',
    kind: 'PersistentVolume',
    shortNames: ['pv'],
    isNamespaced: false,
    subresources: ['status'],
  },
  {
    plural: 'pods',
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
    subresources: ['attach', 'eviction', 'exec', 'log', 'portforward', 'status'],
    selectableFields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'status.phase',
      'status.podIP',
    ],
    columns: podColumns,
  },
  {
    plural: 'replicationcontrollers',
    kind: 'ReplicationController',
    shortNames: ['rc'],
    categories: ['all'],
    subresources: ['scale', 'status'],
    columns: workload.replicationControllerColumns,
  },
  {
    plural: 'resourcequotas',
    kind: 'ResourceQuota',
    shortNames: ['quota'],
    subresources: ['status'],
    columns: cluster.resourceQuotaColumns,
  },
  { plural: 'secrets', kind: 'Secret', selectableFields: ['type'], columns: cluster.secretColumns },
  {
    plural: 'serviceaccounts',
    kind: 'ServiceAccount',
    shortNames: ['sa'],
    subresources: ['token'],
    columns: cluster.serviceAccountColumns,
  },
  {
    plural: 'services',
    kind: 'Service',
    shortNames: ['svc'],
    categories: ['all'],
    subresources: ['status'],
    columns: cluster.serviceColumns,
  },
]);

const appsRows = rows('apps', V1, [
  {
    plural: 'controllerrevisions',
    kind: 'ControllerRevision',
    columns: workload.controllerRevisionColumns,
  },
  {
    plural: 'daemonsets',
    kind: 'DaemonSet',
    shortNames: ['ds'],
    categories: ['all'],
    subresources: ['status'],
    columns: workload.daemonSetColumns,
  },
  {
    plural: 'deployments',
    kind: 'Deployment',
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: ['scale', 'status'],
    columns: workload.deploymentColumns,
  },
  {
    plural: 'replicasets',
    kind: 'ReplicaSet',
    shortNames: ['rs'],
    categories: ['all'],
    subresources: ['scale', 'status'],
    columns: workload.replicaSetColumns,
  },
  {
    plural: 'statefulsets',
    kind: 'StatefulSet',
    shortNames: ['sts'],
    categories: ['all'],
    subresources: ['scale', 'status'],
    columns: workload.statefulSetColumns,
  },
]);

const batchRows = [
  ...rows('batch', V1, [
    {
      plural: 'jobs',
      kind: 'Job',
      categories: ['all'],
      subresources: ['status'],
      selectableFields: ['status.successful'],
      columns: workload.jobColumns,
    },
  ]),
  ...rows(
    'batch',
    [
      { name: 'v1', since: 21 },
      { name: 'v1beta1', until: 24 },
    ],
    [
      {
        plural: 'cronjobs',
        kind: 'CronJob',
        shortNames: ['cj'],
        categories: ['all'],
        subresources: ['status'],
        columns: workload.cronJobColumns,
      },
    ],
  ),
];

const networkRows = [
  ...rows(
    'networking.k8s.io',
    [{ name: 'v1' }, { name: 'v1beta1', until: 21 }],
    [
      {
        plural: 'ingresses',
        kind: 'Ingress',
        shortNames: ['ing'],
        subresources: ['status'],
        columns: cluster.ingressColumns,
      },
    ],
  ),
  ...rows('networking.k8s.io', V1, [
    {
      plural: 'networkpolicies',
      kind: 'NetworkPolicy',
      shortNames: ['netpol'],
      columns: cluster.networkPolicyColumns,
    },
  ]),
  ...rows(
    'discovery.k8s.io',
    [
      { name: 'v1', since: 21 },
      { name: 'v1beta1', until: 24 },
    ],
    [{ plural: 'endpointslices', kind: 'EndpointSlice', columns: cluster.endpointSliceColumns }],
  ),
];

const accessRows = rows('rbac.authorization.k8s.io', V1, [
  {
    plural: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    isNamespaced: false,
    columns: cluster.roleBindingColumns,
  },
  { plural: 'clusterroles', kind: 'ClusterRole', isNamespaced: false },
  { plural: 'rolebindings', kind: 'RoleBinding', columns: cluster.roleBindingColumns },
  { plural: 'roles', kind: 'Role' },
]);

const policyRows = rows(
  'policy',
  [
    { name: 'v1', since: 21 },
    { name: 'v1beta1', until: 24 },
  ],
  [
    {
      plural: 'poddisruptionbudgets',
      kind: 'PodDisruptionBudget',
      shortNames: ['pdb'],
      subresources: ['status'],
      columns: workload.disruptionBudgetColumns,
    },
  ],
);

const autoscalingRows = rows(
  'autoscaling',
  [{ name: 'v2', since: 23 }, { name: 'v1' }],
  [
    {
      plural: 'horizontalpodautoscalers',
      kind: 'HorizontalPodAutoscaler',
      shortNames: ['hpa'],
      categories: ['all'],
      subresources: ['status'],
      columns: workload.autoscalerColumns,
    },
  ],
);

const clusterRows = [
  ...rows('apiextensions.k8s.io', V1, [
    {
      plural: 'customresourcedefinitions',
      kind: 'CustomResourceDefinition',
      shortNames: ['crd', 'crds'],
      categories: ['api-extensions'],
      isNamespaced: false,
      subresources: ['status'],
    },
  ]),
  ...rows('apiregistration.k8s.io', V1, [
    {
      plural: 'apiservices',
      kind: 'APIService',
      categories: ['api-extensions'],
      isNamespaced: false,
      subresources: ['status'],
    },
  ]),
  ...rows('admissionregistration.k8s.io', V1, [
    {
      plural: 'mutatingwebhookconfigurations',
      kind: 'MutatingWebhookConfiguration',
      categories: ['api-extensions'],
      isNamespaced: false,
    },
    {
      plural: 'validatingwebhookconfigurations',
      kind: 'ValidatingWebhookConfiguration',
      categories: ['api-extensions'],
      isNamespaced: false,
    },
  ]),
  ...rows('coordination.k8s.io', V1, [
    { plural: 'leases', kind: 'Lease', columns: cluster.leaseColumns },
  ]),
  ...rows('scheduling.k8s.io', V1, [
    {
      plural: 'priorityclasses',
      kind: 'PriorityClass',
      shortNames: ['pc'],
      isNamespaced: false,
      columns: cluster.nameAndAgeColumns,
    },
  ]),
  ...rows('storage.k8s.io', V1, [
    {
      plural: 'storageclasses',
      kind: 'StorageClass',
      shortNames: ['sc'],
      isNamespaced: false,
      columns: cluster.storageClassColumns,
    },
  ]),
];

const computedRows = [
  ...rows('authorization.k8s.io', V1, [
    {
      plural: 'selfsubjectaccessreviews',
      kind: 'SelfSubjectAccessReview',
      isNamespaced: false,
      access: 'create',
    },
    {
      plural: 'selfsubjectrulesreviews',
      kind: 'SelfSubjectRulesReview',
      isNamespaced: false,
      access: 'create',
    },
    {
      plural: 'subjectaccessreviews',
      kind: 'SubjectAccessReview',
      isNamespaced: false,
      access: 'create',
    },
  ]),
  ...rows(
    'authentication.k8s.io',
    [{ name: 'v1', since: 28 }],
    [
      {
        plural: 'selfsubjectreviews',
        kind: 'SelfSubjectReview',
        isNamespaced: false,
        access: 'create',
      },
    ],
  ),
  ...rows(
    'metrics.k8s.io',
    [{ name: 'v1beta1' }],
    [
      { plural: 'nodes', kind: 'NodeMetrics', singular: '', isNamespaced: false, access: 'read' },
      { plural: 'pods', kind: 'PodMetrics', singular: '', access: 'read' },
    ],
  ),
];

/** Every built-in resource, groups in the order of discovery. */
export const RESOURCE_TABLE: readonly ResourceDefinition[] = [
  ...coreRows,
  ...clusterRows.filter((row) => row.group === 'apiregistration.k8s.io'),
  ...appsRows,
  ...computedRows.filter((row) => row.group !== 'metrics.k8s.io'),
  ...autoscalingRows,
  ...batchRows,
  ...networkRows,
  ...policyRows,
  ...accessRows,
  ...clusterRows.filter((row) => row.group !== 'apiregistration.k8s.io'),
  ...computedRows.filter((row) => row.group === 'metrics.k8s.io'),
];
