/**
 * Deleting an object: preconditions, grace period, finalizers, propagation. Dependents are removed
 * later by the garbage collector, contents of namespaces by the namespace controller.
 */
import type { Cluster } from '../cluster.js';
import type { JsonObject } from '../objects/json-value.js';
import {
  copyJson,
  isJsonObject,
  listAt,
  numberAt,
  stringAt,
  valueAt,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  apiTime,
  finalizersOf,
  isTerminating,
  nameOf,
  namespaceOf,
  ownersOf,
  uidOf,
} from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';
import { conflict } from '../status-error.js';

/** Finalizer of objects that wait for their dependents. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';

/** What a DeleteOptions body or the query asks for. */
export interface DeletionRequest {
  readonly gracePeriodSeconds: number | undefined;
  readonly propagation: 'Background' | 'Foreground' | 'Orphan';
  readonly uid: string;
  readonly resourceVersion: string;
  readonly isDryRun: boolean;
}

/** The result: the object as it is now, and whether it is gone. */
export interface Deletion {
  readonly object: KubeObject;
  readonly isGone: boolean;
}

/** Reads DeleteOptions from a body and, where that is silent, from the query. */
export function deletionRequest(body: JsonObject, query: URLSearchParams): DeletionRequest {
  const grace = valueAt(body, 'gracePeriodSeconds') ?? query.get('gracePeriodSeconds');
  const orphan =
    valueAt(body, 'orphanDependents') === true || query.get('orphanDependents') === 'true';
  const policy = stringAt(body, 'propagationPolicy') || query.get('propagationPolicy');
  return {
    gracePeriodSeconds: grace === undefined || grace === null ? undefined : Number(grace),
    propagation:
      policy === 'Orphan' || orphan
        ? 'Orphan'
        : policy === 'Foreground'
          ? 'Foreground'
          : 'Background',
    uid: stringAt(body, 'preconditions', 'uid'),
    resourceVersion: stringAt(body, 'preconditions', 'resourceVersion'),
    isDryRun: listAt(body, 'dryRun').length > 0 || query.has('dryRun'),
  };
}

/** Deletes an object at once or marks it as terminating. Throws a 409 StatusError on preconditions. */
export function deleteObject(
  cluster: Cluster,
  resource: ServedResource,
  current: KubeObject,
  request: DeletionRequest,
): Deletion {
  checkPreconditions(resource, current, request);
  if (request.isDryRun) return { object: current, isGone: true };
  if (request.propagation === 'Orphan') orphanDependents(cluster, current);
  const graceSeconds = gracePeriod(current, request);
  const finalizers = [
    ...finalizersOf(current),
    ...(request.propagation === 'Foreground' &&
    !finalizersOf(current).includes(FOREGROUND_FINALIZER)
      ? [FOREGROUND_FINALIZER]
      : []),
  ];
  const waits = finalizers.length > 0 || graceSeconds > 0 || current.kind === 'Namespace';
  if (!waits) {
    const removed = cluster.store.remove(resource.key, namespaceOf(current), nameOf(current));
    return { object: removed ?? current, isGone: true };
  }
  if (isTerminating(current)) return { object: current, isGone: false };
  const marked = copyJson(current);
  marked.metadata['deletionTimestamp'] = apiTime(
    new Date(cluster.now().getTime() + graceSeconds * 1000),
  );
  marked.metadata['deletionGracePeriodSeconds'] = graceSeconds;
  if (finalizers.length > 0) marked.metadata['finalizers'] = finalizers;
  if (marked.kind === 'Namespace') marked['status'] = { phase: 'Terminating' };
  return { object: cluster.store.put(resource.key, marked), isGone: false };
}

function checkPreconditions(
  resource: ServedResource,
  current: KubeObject,
  request: DeletionRequest,
): void {
  const { group, plural } = resource.definition;
  const subject = { group, resource: plural, name: nameOf(current) };
  if (request.uid !== '' && request.uid !== uidOf(current)) {
    throw conflict(
      subject,
      `Precondition failed: UID in precondition: ${request.uid}, UID in object meta: ${uidOf(current)}`,
    );
  }
  const version = stringAt(current, 'metadata', 'resourceVersion');
  if (request.resourceVersion !== '' && request.resourceVersion !== version) {
    throw conflict(
      subject,
      `Precondition failed: ResourceVersion in precondition: ${request.resourceVersion}, ResourceVersion in object meta: ${version}`,
    );
  }
}

/** Only pods that run on a node stop gracefully. */
function gracePeriod(current: KubeObject, request: DeletionRequest): number {
  if (current.kind !== 'Pod' || stringAt(current, 'spec', 'nodeName') === '') return 0;
  return request.gracePeriodSeconds ?? numberAt(current, 'spec', 'terminationGracePeriodSeconds');
}

function orphanDependents(cluster: Cluster, owner: KubeObject): void {
  for (const { key, object } of cluster.store.all()) {
    if (!ownersOf(object).some((entry) => entry.uid === uidOf(owner))) continue;
    const copy = copyJson(object);
    copy.metadata['ownerReferences'] = listAt(copy, 'metadata', 'ownerReferences').filter(
      (entry) => isJsonObject(entry) && stringAt(entry, 'uid') !== uidOf(owner),
    );
    cluster.store.put(key, copy);
  }
}
