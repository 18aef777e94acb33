/**
 * Types of k8s.io/apimachinery that the kinds share: metadata, selectors, conditions, lists.
 * Notation: schema-definition.ts.
 */
import type { SchemaSource } from './schema-definition.js';

/** Package of these types. */
export const META_PACKAGE = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** meta/v1. */
export const metaSchemas: SchemaSource = {
  ObjectMeta: [
    'ObjectMeta is metadata that all persisted resources must have, which includes all objects users must create.',
    {
      annotations:
        '{string} #12 | Annotations is an unstructured key value map stored with a resource that may be set by external tools to store and retrieve arbitrary metadata.',
      creationTimestamp: 'time #8',
      deletionGracePeriodSeconds: 'int64 #10',
      deletionTimestamp: 'time #9',
      finalizers: '[string]@ #14',
      generateName: 'string #2',
      generation: 'int64 #7',
      labels:
        '{string} #11 | Map of string keys and values that can be used to organize and categorize (scope and select) objects.',
      managedFields: '[ManagedFieldsEntry] #17',
      name: 'string #1 | Name must be unique within a namespace.',
      namespace: 'string #3 | Namespace defines the space within which each name must be unique.',
      ownerReferences: '[OwnerReference]@uid #13',
      resourceVersion: 'string #6',
      selfLink: 'string #4',
      uid: 'string #5',
    },
  ],
  ManagedFieldsEntry: [
    'ManagedFieldsEntry is a workflow-id, a FieldSet and the group version of the resource that the fieldset applies to.',
    {
      apiVersion: 'string',
      fieldsType: 'string',
      fieldsV1: 'object',
      manager: 'string',
      operation: 'string',
      subresource: 'string',
      time: 'time',
    },
  ],
  OwnerReference: [
    'OwnerReference contains enough information to let you identify an owning object.',
    {
      apiVersion: 'string! #5',
      blockOwnerDeletion: 'boolean #7',
      controller: 'boolean #6',
      kind: 'string! #1',
      name: 'string! #3',
      uid: 'string! #4',
    },
  ],
  LabelSelector: [
    'A label selector is a label query over a set of resources.',
    { matchExpressions: '[LabelSelectorRequirement] #2', matchLabels: '{string} #1' },
  ],
  LabelSelectorRequirement: [
    'A label selector requirement is a selector that contains values, a key, and an operator.',
    { key: 'string! #1', operator: 'string! #2', values: '[string] #3' },
  ],
  Condition: [
    'Condition contains details for one aspect of the current state of this API Resource.',
    {
      lastTransitionTime: 'time',
      lastProbeTime: 'time',
      lastUpdateTime: 'time',
      lastHeartbeatTime: 'time',
      message: 'string',
      observedGeneration: 'int64',
      reason: 'string',
      status: 'string!',
      type: 'string!',
    },
  ],
  ListMeta: [
    'ListMeta describes metadata that synthetic resources must have.',
    {
      continue: 'string',
      remainingItemCount: 'int64',
      resourceVersion: 'string',
      selfLink: 'string',
    },
  ],
};
