/** The other kinds of core/v1. Notation: schema-definition.ts. */
import type { SchemaSource } from './schema-definition.js';

/** core/v1 kinds besides the pod. */
export const coreSchemas: SchemaSource = {
  Namespace: [
    'Namespace provides a scope for Names. Use of multiple namespaces is optional.',
    { spec: 'NamespaceSpec #2', status: 'NamespaceStatus #3' },
  ],
  NamespaceSpec: [
    'NamespaceSpec describes the attributes on a Namespace.',
    { finalizers: '[string] #1' },
  ],
  NamespaceStatus: [
    'NamespaceStatus is information about the current status of a Namespace.',
    { conditions: '[Condition]@type #2', phase: 'string #1' },
  ],
  Node: ['Node is a worker node in Kubernetes.', { spec: 'NodeSpec', status: 'NodeStatus' }],
  NodeSpec: [
    'NodeSpec describes the attributes that a node is created with.',
    {
      configSource: 'object',
      externalID: 'string',
      podCIDR: 'string',
      podCIDRs: '[string]@',
      providerID: 'string',
      taints: '[object]',
      unschedulable: 'boolean',
    },
  ],
  NodeStatus: [
    'NodeStatus is information about the current status of a node.',
    {
      addresses: '[object]@type',
      allocatable: '{quantity}',
      capacity: '{quantity}',
      conditions: '[Condition]@type',
      daemonEndpoints: 'object',
      features: 'object',
      images: '[object]',
      nodeInfo: 'object',
      phase: 'string',
      runtimeHandlers: '[object]',
      volumesAttached: '[object]',
      volumesInUse: '[string]',
    },
  ],
  Service: [
    'Service is a named abstraction of software service (for example, mysql) consisting of local port (for example 3306) that the proxy listens on, and the selector that determines which pods will answer requests sent through the proxy.',
    { spec: 'ServiceSpec #2', status: 'ServiceStatus #3' },
  ],
  ServiceSpec: [
    'ServiceSpec describes the attributes that a user creates on a service.',
    {
      allocateLoadBalancerNodePorts: 'boolean #20',
      clusterIP: 'string #3',
      clusterIPs: '[string] #18',
      externalIPs: '[string] #5',
      externalName: 'string #10',
      externalTrafficPolicy: 'string #11',
      healthCheckNodePort: 'int32 #12',
      internalTrafficPolicy: 'string #22',
      ipFamilies: '[string] #19',
      ipFamilyPolicy: 'string #17',
      loadBalancerClass: 'string #21',
      loadBalancerIP: 'string #8',
      loadBalancerSourceRanges: '[string] #9',
      ports: '[ServicePort]@port #1',
      publishNotReadyAddresses: 'boolean #13',
      selector: '{string} #2',
      sessionAffinity: 'string #7',
      sessionAffinityConfig: 'object #14',
      trafficDistribution: 'string #23',
      type: 'string #4',
    },
  ],
  ServicePort: [
    "ServicePort contains information on service's port.",
    {
      appProtocol: 'string #6',
      name: 'string #1',
      nodePort: 'int32 #5',
      port: 'int32! #3',
      protocol: 'string #2',
      targetPort: 'intOrString #4',
    },
  ],
  ServiceStatus: [
    'ServiceStatus represents the current status of a service.',
    { conditions: '[Condition]@type #2', loadBalancer: 'object #1' },
  ],
  Endpoints: [
    'Endpoints is a collection of endpoints that implement the actual service.',
    { subsets: '[object]' },
  ],
  ConfigMap: [
    'ConfigMap holds configuration data for pods to consume.',
    { binaryData: '{bytes} #3', data: '{string} #2', immutable: 'boolean #4' },
  ],
  Secret: [
    'Secret holds secret data of a certain type.',
    { data: '{bytes} #2', immutable: 'boolean #5', stringData: '{string} #4', type: 'string #3' },
  ],
  ServiceAccount: [
    'ServiceAccount binds together: a name, a principal that can be authenticated and authorized, and a set of secrets.',
    {
      automountServiceAccountToken: 'boolean #4',
      imagePullSecrets: '[LocalObjectReference] #3',
      secrets: '[object]@name #2',
    },
  ],
  Event: [
    'Event is a report of an event somewhere in the cluster.',
    {
      action: 'string',
      count: 'int32',
      eventTime: 'time',
      firstTimestamp: 'time',
      involvedObject: 'object!',
      lastTimestamp: 'time',
      message: 'string',
      reason: 'string',
      related: 'object',
      reportingComponent: 'string',
      reportingInstance: 'string',
      series: 'object',
      source: 'object',
      type: 'string',
    },
  ],
  PersistentVolumeClaim: [
    "PersistentVolumeClaim is a user's request for and claim to a persistent volume",
    { spec: 'PersistentVolumeClaimSpec', status: 'object' },
  ],
  PersistentVolumeClaimSpec: [
    'PersistentVolumeClaimSpec describes the common attributes of storage devices',
    {
      accessModes: '[string]',
      dataSource: 'object',
      dataSourceRef: 'object',
      resources: 'ResourceRequirements',
      selector: 'LabelSelector',
      storageClassName: 'string',
      volumeAttributesClassName: 'string',
      volumeMode: 'string',
      volumeName: 'string',
    },
  ],
  PersistentVolume: [
    'PersistentVolume (PV) is a storage resource provisioned by an administrator.',
    { spec: 'object', status: 'object' },
  ],
  ResourceQuota: [
    'ResourceQuota sets aggregate quota restrictions enforced per namespace',
    { spec: 'ResourceQuotaSpec #2', status: 'object #3' },
  ],
  ResourceQuotaSpec: [
    'ResourceQuotaSpec defines the desired hard limits to enforce for Quota.',
    { hard: '{quantity} #1', scopeSelector: 'object #3', scopes: '[string] #2' },
  ],
  LimitRange: [
    'LimitRange sets resource usage limits for each kind of resource in a Namespace.',
    { spec: 'LimitRangeSpec' },
  ],
  LimitRangeSpec: [
    'LimitRangeSpec defines a min/max usage limit for resources that match on kind.',
    { limits: '[LimitRangeItem]!' },
  ],
  LimitRangeItem: [
    'LimitRangeItem defines a min/max usage limit for any resource that matches on kind.',
    {
      default: '{quantity}',
      defaultRequest: '{quantity}',
      max: '{quantity}',
      maxLimitRequestRatio: '{quantity}',
      min: '{quantity}',
      type: 'string!',
    },
  ],
  ReplicationController: [
    'ReplicationController represents the configuration of a replication controller.',
    { spec: 'ReplicationControllerSpec', status: 'object' },
  ],
  ReplicationControllerSpec: [
    'ReplicationControllerSpec is the specification of a replication controller.',
    {
      minReadySeconds: 'int32',
      replicas: 'int32',
      selector: '{string}',
      template: 'PodTemplateSpec',
    },
  ],
};
