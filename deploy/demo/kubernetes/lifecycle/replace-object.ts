/** Changing an object: PUT, every form of PATCH, the status and scale subresources, controllers. */
import type { Cluster } from '../cluster.js';
import type { JsonObject } from '../objects/json-value.js';
import { copyJson, dropKey, equalJson, stringAt, valueAt, without } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  finalizersOf,
  generationOf,
  isTerminating,
  nameOf,
  namespaceOf,
  uidOf,
} from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';
import { badRequest, conflict } from '../status-error.js';
import { allocateService, keepAllocated } from './allocate-service.js';
import { toStorageVersion } from './convert-version.js';
import { hasGeneration } from './create-object.js';
import { applyDefaults } from './default-values.js';
import { recordUpdate } from './managed-fields.js';
import { validateObject } from './validate-object.js';
import type { WriteContext } from './write-context.js';

/**
 * Replaces `current` by `wanted` and returns what is stored. A write that changes nothing keeps
 * the revision. Throws StatusErrors: 400 for another name, 409 when stale, 422 when invalid.
 */
export function replaceObject(
  cluster: Cluster,
  resource: ServedResource,
  current: KubeObject,
  wanted: JsonObject,
  write: WriteContext,
): KubeObject {
  checkIdentity(resource, current, wanted);
  const object = merged(cluster, resource, current, wanted, write);
  if (object.kind === 'Service') keepAllocated(object, current);
  applyDefaults(object);
  validateObject(resource, object, current);
  const hasOwnManagedFields = !equalJson(
    valueAt(wanted, 'metadata', 'managedFields'),
    valueAt(current, 'metadata', 'managedFields'),
  );
  if (isUnchanged(object, current) && !hasOwnManagedFields) return current;
  if (hasGeneration(resource) && !equalJson(specOf(object), specOf(current))) {
    object.metadata['generation'] = generationOf(current) + 1;
  }
  if (!hasOwnManagedFields) recordUpdate(cluster, object, current, write);
  if (object.kind === 'Service') allocateService(cluster, object);
  if (write.isDryRun) return object;
  if (
    isTerminating(object) &&
    finalizersOf(object).length === 0 &&
    object.kind !== 'Pod' &&
    object.kind !== 'Namespace'
  ) {
    return cluster.store.remove(resource.key, namespaceOf(object), nameOf(object)) ?? object;
  }
  return cluster.store.put(resource.key, object);
}

function checkIdentity(resource: ServedResource, current: KubeObject, wanted: JsonObject): void {
  const { group, plural } = resource.definition;
  const subject = { group, resource: plural, name: nameOf(current) };
  const name = nameOf(wanted);
  if (name !== '' && name !== nameOf(current)) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${nameOf(current)})`,
    );
  }
  const version = stringAt(wanted, 'metadata', 'resourceVersion');
  if (version !== '' && version !== stringAt(current, 'metadata', 'resourceVersion')) {
    throw conflict(subject);
  }
  const uid = uidOf(wanted);
  if (uid !== '' && uid !== uidOf(current)) {
    throw conflict(
      subject,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${uidOf(current)}`,
    );
  }
}

/** The new state: the wanted one with what only the server sets. */
function merged(
  cluster: Cluster,
  resource: ServedResource,
  current: KubeObject,
  wanted: JsonObject,
  write: WriteContext,
): KubeObject {
  const copy = toStorageVersion(cluster, resource, copyJson(wanted));
  const isStatusWrite = write.subresource === 'status';
  const keepsStatus = !isStatusWrite && resource.definition.subresources.includes('status');
  const metadata: JsonObject = { ...(isStatusWrite ? current.metadata : {}) };
  if (!isStatusWrite) Object.assign(metadata, copy['metadata']);
  for (const field of SERVER_FIELDS) {
    const value = current.metadata[field];
    if (value === undefined) dropKey(metadata, field);
    else metadata[field] = value;
  }
  metadata['managedFields'] =
    valueAt(wanted, 'metadata', 'managedFields') ?? current.metadata['managedFields'] ?? [];
  const body: JsonObject = isStatusWrite ? { ...copyJson(current) } : copy;
  setOrDrop(body, 'status', keepsStatus ? current['status'] : copy['status']);
  return { ...body, apiVersion: current.apiVersion, kind: current.kind, metadata };
}

const SERVER_FIELDS = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'generation',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

function setOrDrop(object: JsonObject, key: 'status', value: JsonObject[string] | undefined): void {
  if (value === undefined) dropKey(object, key);
  else object[key] = copyJson(value);
}

function isUnchanged(object: KubeObject, current: KubeObject): boolean {
  const bare = (state: KubeObject) => ({
    ...state,
    metadata: { ...state.metadata, managedFields: null },
  });
  return equalJson(bare(object), bare(current));
}

function specOf(object: KubeObject): JsonObject {
  return without(object, 'metadata', 'status');
}
