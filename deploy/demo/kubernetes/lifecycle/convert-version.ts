/**
 * Objects are stored in one version and served in several. Versions of the demo differ only in
 * apiVersion, except for the autoscaler, whose CPU target moved into `metrics`.
 */
import type { Cluster } from '../cluster.js';
import type { JsonObject } from '../objects/json-value.js';
import { listAt, objectAt, stringAt, valueAt, without } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';

/** An object as it is stored. */
export function toStorageVersion(
  cluster: Cluster,
  resource: ServedResource,
  object: JsonObject,
): JsonObject {
  const storage = cluster.catalog.storageVersion(resource.key) ?? resource;
  const converted =
    resource.definition.kind === 'HorizontalPodAutoscaler' && storage.version === 'v2'
      ? withMetrics(object)
      : object;
  return { ...converted, apiVersion: storage.groupVersion, kind: resource.definition.kind };
}

/** An object as a version of its resource serves it. */
export function toServedVersion(resource: ServedResource, object: KubeObject): KubeObject {
  if (object.apiVersion === resource.groupVersion) return object;
  const converted =
    resource.definition.kind === 'HorizontalPodAutoscaler' ? withCpuTarget(object) : object;
  // Type and metadata are those of the stored object.
  return {
    ...converted,
    apiVersion: resource.groupVersion,
    kind: object.kind,
    metadata: object.metadata,
  };
}

function withMetrics(object: JsonObject): JsonObject {
  const { targetCPUUtilizationPercentage: percent, ...spec } = objectAt(object, 'spec');
  if (typeof percent !== 'number') return object;
  const target = { type: 'Utilization', averageUtilization: percent };
  return {
    ...object,
    spec: { ...spec, metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] },
  };
}

function withCpuTarget(object: JsonObject): JsonObject {
  const spec = without(objectAt(object, 'spec'), 'metrics');
  const cpu = listAt(object, 'spec', 'metrics').find(
    (metric) => stringAt(metric, 'resource', 'name') === 'cpu',
  );
  const percent = valueAt(cpu, 'resource', 'target', 'averageUtilization');
  const target = percent === undefined ? {} : { targetCPUUtilizationPercentage: percent };
  return { ...object, spec: { ...spec, ...target } };
}
