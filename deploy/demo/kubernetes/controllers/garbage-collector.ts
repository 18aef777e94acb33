/**
 * Removes what nobody owns any more: dependents of deleted objects, dependents of objects that
 * wait for them (foreground deletion), and the contents of namespaces that are ending.
 */
import { deleteObject, FOREGROUND_FINALIZER } from '../lifecycle/delete-object.js';
import { copyJson } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  finalizersOf,
  isTerminating,
  nameOf,
  namespaceOf,
  ownersOf,
  uidOf,
} from '../objects/kube-object.js';
import type { ResourceKey } from '../resources/resource-definition.js';
import type { Controller, ControllerContext } from './controller.js';
import { KEYS } from './controller.js';

/** The garbage collector and the namespace controller. */
export function garbageCollector(context: ControllerContext): Controller {
  const { cluster, queue } = context;
  const { reconcileMs } = cluster.timings;
  return ({ type, key, object }) => {
    if (type === 'DELETED') {
      queue.after(reconcileMs, `collect ${uidOf(object)}`, () =>
        collectDependents(context, object),
      );
      // An object that waits for this one can go on when this was the last.
      for (const owner of ownersOf(object)) {
        queue.after(reconcileMs, `foreground ${owner.uid}`, () =>
          endForeground(context, owner.uid),
        );
      }
    } else if (isTerminating(object) && finalizersOf(object).includes(FOREGROUND_FINALIZER)) {
      queue.after(reconcileMs, `foreground ${uidOf(object)}`, () =>
        endForeground(context, uidOf(object)),
      );
    }
    const ending = key === KEYS.namespaces ? nameOf(object) : namespaceOf(object);
    if (ending === '' || type === 'ADDED') return;
    const namespace = cluster.store.get(KEYS.namespaces, '', ending);
    if (namespace !== undefined && isTerminating(namespace)) {
      queue.after(reconcileMs, `namespace ${ending}`, () => endNamespace(context, ending));
    }
  };
}

interface StoredObject {
  readonly key: ResourceKey;
  readonly object: KubeObject;
}

function collectDependents(context: ControllerContext, owner: KubeObject): void {
  const all = context.cluster.store.all();
  const existing = new Set(all.map(({ object }) => uidOf(object)));
  for (const entry of all) {
    const owners = ownersOf(entry.object);
    const isDependent = owners.some(({ uid }) => uid === uidOf(owner));
    if (isDependent && !owners.some(({ uid }) => existing.has(uid))) remove(context, entry);
  }
}

/** Deletes dependents of an object in foreground deletion; without any left, the object itself goes. */
function endForeground(context: ControllerContext, uid: string): void {
  const { store } = context.cluster;
  const all = store.all();
  const owner = all.find(({ object }) => uidOf(object) === uid);
  if (owner === undefined || !finalizersOf(owner.object).includes(FOREGROUND_FINALIZER)) return;
  const dependents = all.filter(({ object }) =>
    ownersOf(object).some((entry) => entry.uid === uid),
  );
  if (dependents.length > 0) {
    for (const entry of dependents)
      if (!isTerminating(entry.object)) remove(context, entry, 'Foreground');
    return;
  }
  const finalizers = finalizersOf(owner.object).filter((entry) => entry !== FOREGROUND_FINALIZER);
  if (finalizers.length === 0) {
    store.remove(owner.key, namespaceOf(owner.object), nameOf(owner.object));
    return;
  }
  const copy = copyJson(owner.object);
  copy.metadata['finalizers'] = finalizers;
  store.put(owner.key, copy);
}

function endNamespace(context: ControllerContext, namespace: string): void {
  const { store } = context.cluster;
  const contents = store.all().filter(({ object }) => namespaceOf(object) === namespace);
  for (const entry of contents) if (!isTerminating(entry.object)) remove(context, entry);
  const rest = store.all().filter(({ object }) => namespaceOf(object) === namespace);
  if (rest.length === 0) store.remove(KEYS.namespaces, '', namespace);
}

function remove(
  { cluster }: ControllerContext,
  { key, object }: StoredObject,
  propagation: 'Background' | 'Foreground' = 'Background',
): void {
  const resource = cluster.catalog.storageVersion(key);
  const current = cluster.store.get(key, namespaceOf(object), nameOf(object));
  if (resource === undefined || current === undefined) return;
  const isPod = current.kind === 'Pod'; // pods have no dependents to wait for
  deleteObject(cluster, resource, current, {
    gracePeriodSeconds: undefined,
    propagation: isPod ? 'Background' : propagation,
    uid: '',
    resourceVersion: '',
    isDryRun: false,
  });
}
