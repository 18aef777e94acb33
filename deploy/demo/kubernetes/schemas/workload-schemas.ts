/** Kinds of apps/v1, batch/v1, autoscaling and policy. Notation: schema-definition.ts. */
import type { SchemaSource } from './schema-definition.js';

/** apps/v1. */
export const appsSchemas: SchemaSource = {
  Deployment: [
    'Deployment enables declarative updates for Pods and ReplicaSets.',
    {
      spec: 'DeploymentSpec #2 | Specification of the desired behavior of the Deployment.',
      status: 'DeploymentStatus #3 | Most recently observed status of the Deployment.',
    },
  ],
  DeploymentSpec: [
    'DeploymentSpec is the specification of the desired behavior of the Deployment.',
    {
      minReadySeconds: 'int32 #5',
      paused: 'boolean #7 | Indicates that the deployment is paused.',
      progressDeadlineSeconds: 'int32 #9',
      replicas:
        'int32 #1 | Number of desired pods. This is a pointer to distinguish between explicit zero and not specified. Defaults to 1.',
      revisionHistoryLimit: 'int32 #6',
      selector: 'LabelSelector! #2 | Label selector for pods.',
      strategy: 'DeploymentStrategy~ #4',
      template: 'PodTemplateSpec! #3 | Template describes the pods that will be created.',
    },
  ],
  DeploymentStrategy: [
    'DeploymentStrategy describes how to replace existing pods with new ones.',
    { rollingUpdate: 'RollingUpdateDeployment #2', type: 'string #1' },
  ],
  RollingUpdateDeployment: [
    'Spec to control the desired behavior of rolling update.',
    { maxSurge: 'intOrString #2', maxUnavailable: 'intOrString #1' },
  ],
  DeploymentStatus: [
    'DeploymentStatus is the most recently observed status of the Deployment.',
    {
      availableReplicas: 'int32 #4',
      collisionCount: 'int32 #8',
      conditions: '[Condition]@type #6',
      observedGeneration: 'int64 #1',
      readyReplicas: 'int32 #7',
      replicas: 'int32 #2',
      terminatingReplicas: 'int32',
      unavailableReplicas: 'int32 #5',
      updatedReplicas: 'int32 #3',
    },
  ],
  ReplicaSet: [
    'ReplicaSet ensures that a specified number of pod replicas are running at any given time.',
    { spec: 'ReplicaSetSpec', status: 'ReplicaSetStatus' },
  ],
  ReplicaSetSpec: [
    'ReplicaSetSpec is the specification of a ReplicaSet.',
    {
      minReadySeconds: 'int32',
      replicas: 'int32',
      selector: 'LabelSelector!',
      template: 'PodTemplateSpec',
    },
  ],
  ReplicaSetStatus: [
    'ReplicaSetStatus represents the current status of a ReplicaSet.',
    {
      availableReplicas: 'int32',
      conditions: '[Condition]@type',
      fullyLabeledReplicas: 'int32',
      observedGeneration: 'int64',
      readyReplicas: 'int32',
      replicas: 'int32!',
      terminatingReplicas: 'int32',
    },
  ],
  StatefulSet: [
    'StatefulSet represents a set of pods with consistent identities.',
    { spec: 'StatefulSetSpec', status: 'object' },
  ],
  StatefulSetSpec: [
    'A StatefulSetSpec is the specification of a StatefulSet.',
    {
      minReadySeconds: 'int32',
      ordinals: 'object',
      persistentVolumeClaimRetentionPolicy: 'object',
      podManagementPolicy: 'string',
      replicas: 'int32',
      revisionHistoryLimit: 'int32',
      selector: 'LabelSelector!',
      serviceName: 'string',
      template: 'PodTemplateSpec!',
      updateStrategy: 'object',
      volumeClaimTemplates: '[object]',
    },
  ],
  DaemonSet: [
    'DaemonSet represents the configuration of a daemon set.',
    { spec: 'DaemonSetSpec', status: 'object' },
  ],
  DaemonSetSpec: [
    'DaemonSetSpec is the specification of a daemon set.',
    {
      minReadySeconds: 'int32',
      revisionHistoryLimit: 'int32',
      selector: 'LabelSelector!',
      template: 'PodTemplateSpec!',
      updateStrategy: 'object',
    },
  ],
  ControllerRevision: [
    'ControllerRevision implements an immutable snapshot of state data.',
    { data: 'object', revision: 'int64!' },
  ],
};

/** batch/v1. */
export const batchSchemas: SchemaSource = {
  Job: [
    'Job represents the configuration of a single job.',
    { spec: 'JobSpec #2', status: 'JobStatus #3' },
  ],
  JobSpec: [
    'JobSpec describes how the job execution will look like.',
    {
      activeDeadlineSeconds: 'int64 #3',
      backoffLimit: 'int32 #7',
      backoffLimitPerIndex: 'int32',
      completionMode: 'string #9',
      completions: 'int32 #2',
      managedBy: 'string',
      manualSelector: 'boolean #5',
      maxFailedIndexes: 'int32',
      parallelism: 'int32 #1',
      podFailurePolicy: 'object',
      podReplacementPolicy: 'string',
      selector: 'LabelSelector #4',
      successPolicy: 'object',
      suspend: 'boolean #10',
      template: 'PodTemplateSpec! #6',
      ttlSecondsAfterFinished: 'int32 #8',
    },
  ],
  JobStatus: [
    'JobStatus represents the current state of a Job.',
    {
      active: 'int32 #4',
      completedIndexes: 'string #7',
      completionTime: 'time #3',
      conditions: '[Condition]@type #1',
      failed: 'int32 #6',
      ready: 'int32',
      startTime: 'time #2',
      succeeded: 'int32 #5',
      terminating: 'int32',
      uncountedTerminatedPods: 'object',
    },
  ],
  CronJob: [
    'CronJob represents the configuration of a single cron job.',
    { spec: 'CronJobSpec #2', status: 'object #3' },
  ],
  CronJobSpec: [
    'CronJobSpec describes how the job execution will look like and when it will actually run.',
    {
      concurrencyPolicy: 'string #3',
      failedJobsHistoryLimit: 'int32 #7',
      jobTemplate: 'JobTemplateSpec! #5',
      schedule: 'string! #1',
      startingDeadlineSeconds: 'int64 #2',
      successfulJobsHistoryLimit: 'int32 #6',
      suspend: 'boolean #4',
      timeZone: 'string #8',
    },
  ],
  JobTemplateSpec: [
    'JobTemplateSpec describes the data a Job should have when created from a template',
    { metadata: 'ObjectMeta #1', spec: 'JobSpec #2' },
  ],
};

/** autoscaling; the fields of v1 and v2 together. */
export const autoscalingSchemas: SchemaSource = {
  HorizontalPodAutoscaler: [
    'HorizontalPodAutoscaler automatically manages the replica count of any resource implementing the scale subresource.',
    { spec: 'HorizontalPodAutoscalerSpec #2', status: 'object #3' },
  ],
  HorizontalPodAutoscalerSpec: [
    'HorizontalPodAutoscalerSpec describes the desired functionality of the HorizontalPodAutoscaler.',
    {
      behavior: 'object',
      maxReplicas: 'int32! #3',
      metrics: '[object]',
      minReplicas: 'int32 #2',
      scaleTargetRef: 'CrossVersionObjectReference! #1',
      targetCPUUtilizationPercentage: 'int32 #4',
    },
  ],
  CrossVersionObjectReference: [
    'CrossVersionObjectReference contains enough information to let you identify the referred resource.',
    { apiVersion: 'string #3', kind: 'string! #1', name: 'string! #2' },
  ],
  Scale: [
    'Scale represents a scaling request for a resource.',
    { spec: 'ScaleSpec', status: 'object' },
  ],
  ScaleSpec: ['ScaleSpec describes the attributes of a scale subresource.', { replicas: 'int32' }],
};

/** policy. */
export const policySchemas: SchemaSource = {
  PodDisruptionBudget: [
    'PodDisruptionBudget is an object to define the max disruption that can be caused to a collection of pods',
    { spec: 'PodDisruptionBudgetSpec #2', status: 'object #3' },
  ],
  PodDisruptionBudgetSpec: [
    'PodDisruptionBudgetSpec is a description of a PodDisruptionBudget.',
    {
      maxUnavailable: 'intOrString #3',
      minAvailable: 'intOrString #1',
      selector: 'LabelSelector #2',
      unhealthyPodEvictionPolicy: 'string #4',
    },
  ],
};
