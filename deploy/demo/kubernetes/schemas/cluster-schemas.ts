/** Networking, access control, storage and extension kinds. Notation: schema-definition.ts. */
import type { SchemaSource } from './schema-definition.js';

/** networking.k8s.io/v1. */
export const networkingSchemas: SchemaSource = {
  Ingress: [
    'Ingress is a collection of rules that allow inbound connections to reach the endpoints defined by a backend.',
    { spec: 'IngressSpec', status: 'object' },
  ],
  IngressSpec: [
    'IngressSpec describes the Ingress the user wishes to exist.',
    {
      backend: 'object',
      defaultBackend: 'object',
      ingressClassName: 'string',
      rules: '[IngressRule]',
      tls: '[object]',
    },
  ],
  IngressRule: [
    'IngressRule represents the rules mapping the paths under a specified host to the related backend services.',
    { host: 'string', http: 'object' },
  ],
  NetworkPolicy: [
    'NetworkPolicy describes what network traffic is allowed for a set of Pods',
    { spec: 'NetworkPolicySpec', status: 'object' },
  ],
  NetworkPolicySpec: [
    'NetworkPolicySpec provides the specification of a NetworkPolicy',
    {
      egress: '[object]',
      ingress: '[object]',
      podSelector: 'LabelSelector',
      policyTypes: '[string]',
    },
  ],
};

/** rbac.authorization.k8s.io/v1. */
export const rbacSchemas: SchemaSource = {
  Role: [
    'Role is a namespaced, logical grouping of PolicyRules that can be referenced as a unit by a RoleBinding.',
    { rules: '[PolicyRule] #2' },
  ],
  ClusterRole: [
    'ClusterRole is a cluster level, logical grouping of PolicyRules.',
    { aggregationRule: 'object #3', rules: '[PolicyRule] #2' },
  ],
  PolicyRule: [
    'PolicyRule holds information that describes a policy rule.',
    {
      apiGroups: '[string] #2',
      nonResourceURLs: '[string] #5',
      resourceNames: '[string] #4',
      resources: '[string] #3',
      verbs: '[string]! #1',
    },
  ],
  RoleBinding: [
    'RoleBinding references a role, but does not contain it.',
    { roleRef: 'RoleRef! #3', subjects: '[Subject] #2' },
  ],
  ClusterRoleBinding: [
    'ClusterRoleBinding references a ClusterRole, but not contain it.',
    { roleRef: 'RoleRef! #3', subjects: '[Subject] #2' },
  ],
  RoleRef: [
    'RoleRef contains information that points to the role being used',
    { apiGroup: 'string #1', kind: 'string! #2', name: 'string! #3' },
  ],
  Subject: [
    'Subject contains a reference to the object or user identities a role binding applies to.',
    { apiGroup: 'string #2', kind: 'string! #1', name: 'string! #3', namespace: 'string #4' },
  ],
};

/** storage.k8s.io/v1. */
export const storageSchemas: SchemaSource = {
  StorageClass: [
    'StorageClass describes the parameters for a class of storage for which PersistentVolumes can be dynamically provisioned.',
    {
      allowVolumeExpansion: 'boolean',
      allowedTopologies: '[object]',
      mountOptions: '[string]',
      parameters: '{string}',
      provisioner: 'string!',
      reclaimPolicy: 'string',
      volumeBindingMode: 'string',
    },
  ],
};

/** coordination.k8s.io/v1. */
export const coordinationSchemas: SchemaSource = {
  Lease: ['Lease defines a lease concept.', { spec: 'object' }],
};

/** discovery.k8s.io/v1. */
export const endpointSliceSchemas: SchemaSource = {
  EndpointSlice: [
    'EndpointSlice represents a subset of the endpoints that implement a service.',
    { addressType: 'string!', endpoints: '[object]!', ports: '[object]' },
  ],
};

/** scheduling.k8s.io/v1. */
export const schedulingSchemas: SchemaSource = {
  PriorityClass: [
    'PriorityClass defines mapping from a priority class name to the priority integer value.',
    {
      description: 'string #4',
      globalDefault: 'boolean #3',
      preemptionPolicy: 'string #5',
      value: 'int32! #2',
    },
  ],
};

/** apiextensions.k8s.io/v1. */
export const extensionSchemas: SchemaSource = {
  CustomResourceDefinition: [
    'CustomResourceDefinition represents a resource that should be exposed on the API server.',
    { spec: 'CustomResourceDefinitionSpec!', status: 'object' },
  ],
  CustomResourceDefinitionSpec: [
    'CustomResourceDefinitionSpec describes how a user wants their resource to appear',
    {
      conversion: 'object',
      group: 'string!',
      names: 'CustomResourceDefinitionNames!',
      preserveUnknownFields: 'boolean',
      scope: 'string!',
      versions: '[object]!',
    },
  ],
  CustomResourceDefinitionNames: [
    'CustomResourceDefinitionNames indicates the names to serve this CustomResourceDefinition',
    {
      categories: '[string]',
      kind: 'string!',
      listKind: 'string',
      plural: 'string!',
      shortNames: '[string]',
      singular: 'string',
    },
  ],
};

/** admissionregistration.k8s.io/v1. */
export const admissionSchemas: SchemaSource = {
  MutatingWebhookConfiguration: [
    'MutatingWebhookConfiguration describes the configuration of and admission webhook that accept or reject and may change the object.',
    { webhooks: '[object]@name' },
  ],
  ValidatingWebhookConfiguration: [
    'ValidatingWebhookConfiguration describes the configuration of and admission webhook that accept or reject and object without changing it.',
    { webhooks: '[object]@name' },
  ],
};

/** apiregistration.k8s.io/v1. */
export const registrationSchemas: SchemaSource = {
  APIService: [
    'APIService represents a server for a particular GroupVersion.',
    { spec: 'object', status: 'object' },
  ],
};

/** metrics.k8s.io/v1beta1. */
export const metricsSchemas: SchemaSource = {
  PodMetrics: [
    'PodMetrics sets resource usage metrics of a pod.',
    { containers: '[object]!', timestamp: 'time!', window: 'string!' },
  ],
  NodeMetrics: [
    'NodeMetrics sets resource usage metrics of a node.',
    { timestamp: 'time!', usage: '{quantity}!', window: 'string!' },
  ],
};
