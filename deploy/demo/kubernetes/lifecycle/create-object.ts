/** Creating an object: name, namespace, defaults, checks, identity. Used by POST, apply, controllers and tests. */
import type { Cluster } from '../cluster.js';
import type { JsonObject } from '../objects/json-value.js';
import {
  copyJson,
  ensureObject,
  isJsonObject,
  listAt,
  stringAt,
  valueAt,
  without,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { apiTime, isTerminating, nameOf } from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';
import { resourceKey } from '../resources/resource-definition.js';
import { alreadyExists, badRequest, objectNotFound, StatusError } from '../status-error.js';
import { allocateService } from './allocate-service.js';
import { toStorageVersion } from './convert-version.js';
import { applyDefaults } from './default-values.js';
import { recordUpdate } from './managed-fields.js';
import { validateObject } from './validate-object.js';
import type { WriteContext } from './write-context.js';

/** Stores a new object and returns it as stored. Throws StatusErrors. */
export function createObject(
  cluster: Cluster,
  resource: ServedResource,
  namespace: string,
  manifest: JsonObject,
  write: WriteContext,
): KubeObject {
  const object = newObject(cluster, resource, namespace, manifest);
  checkNamespace(cluster, resource, namespace, object);
  applyDefaults(object);
  validateObject(resource, object);
  if (cluster.store.get(resource.key, namespace, nameOf(object)) !== undefined) {
    const { group, plural } = resource.definition;
    throw alreadyExists({ group, resource: plural, name: nameOf(object) });
  }
  if (listAt(object, 'metadata', 'managedFields').length === 0) {
    recordUpdate(cluster, object, undefined, write);
  }
  // Allocated values belong to no field manager.
  if (object.kind === 'Service') allocateService(cluster, object);
  return write.isDryRun ? object : cluster.store.put(resource.key, object);
}

function newObject(
  cluster: Cluster,
  resource: ServedResource,
  namespace: string,
  manifest: JsonObject,
): KubeObject {
  const { definition } = resource;
  const copy = toStorageVersion(cluster, resource, copyJson(manifest));
  const given = isJsonObject(copy['metadata']) ? copy['metadata'] : {};
  const prefix = stringAt(given, 'generateName');
  const name = stringAt(given, 'name') || (prefix === '' ? '' : prefix + cluster.names.suffix());
  const object: KubeObject = {
    ...copy,
    kind: definition.kind,
    apiVersion: cluster.catalog.storageVersion(resource.key)?.groupVersion ?? resource.groupVersion,
    metadata: {
      ...given,
      name,
      ...(definition.isNamespaced ? { namespace } : {}),
      uid: cluster.names.uid(),
      creationTimestamp: apiTime(cluster.now()),
      ...(hasGeneration(resource) ? { generation: 1 } : {}),
    },
  };
  delete object.metadata['resourceVersion'];
  if (!definition.isNamespaced) delete object.metadata['namespace'];
  return object;
}

/** Kinds whose metadata.generation counts changes of their spec. */
export function hasGeneration(resource: ServedResource): boolean {
  const { group } = resource.definition;
  return group !== '' && group !== 'rbac.authorization.k8s.io' && group !== 'coordination.k8s.io';
}

function checkNamespace(
  cluster: Cluster,
  resource: ServedResource,
  namespace: string,
  object: KubeObject,
): void {
  const { definition } = resource;
  if (!definition.isNamespaced) return;
  const given = valueAt(object, 'metadata', 'namespace');
  if (namespace === '' || given !== namespace) {
    throw badRequest('an empty namespace may not be set during creation');
  }
  const home = cluster.store.get(resourceKey('', 'namespaces'), '', namespace);
  if (home === undefined)
    throw objectNotFound({ group: '', resource: 'namespaces', name: namespace });
  if (!isTerminating(home)) return;
  const qualified =
    definition.group === '' ? definition.plural : `${definition.plural}.${definition.group}`;
  throw new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `${qualified} "${nameOf(object)}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    details: {
      name: nameOf(object),
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.plural,
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  });
}

/** Drops the status of a manifest: it is set through the status subresource only. */
export function withoutStatus(resource: ServedResource, manifest: JsonObject): JsonObject {
  if (!resource.definition.subresources.includes('status')) return manifest;
  return without(manifest, 'status');
}

/** The namespace that a manifest names must be that of the request path. Throws a 400 StatusError. */
export function checkPathNamespace(namespace: string, manifest: JsonObject): JsonObject {
  const given = stringAt(manifest, 'metadata', 'namespace');
  if (given !== '' && given !== namespace) {
    throw badRequest(
      `the namespace of the provided object does not match the namespace sent on the request`,
    );
  }
  const copy = copyJson(manifest);
  if (namespace !== '') ensureObject(copy, 'metadata')['namespace'] = namespace;
  return copy;
}
