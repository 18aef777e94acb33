/** What the controllers share: their surroundings, and writing the state they found out. */
import type { Cluster } from '../cluster.js';
import type { JsonObject } from '../objects/json-value.js';
import { copyJson, equalJson, valueAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { isControlledBy, nameOf, namespaceOf, ownersOf } from '../objects/kube-object.js';
import type { ResourceKey } from '../resources/resource-definition.js';
import type { StoreEvent } from '../store/object-store.js';
import type { WorkQueue } from './work-queue.js';

/** Surroundings of a controller. */
export interface ControllerContext {
  readonly cluster: Cluster;
  readonly queue: WorkQueue;
}

/** Reacts to changes of objects by scheduling work. */
export type Controller = (event: StoreEvent) => void;

/** Keys of the resources that controllers handle. */
export const KEYS = {
  pods: '/pods',
  services: '/services',
  endpoints: '/endpoints',
  namespaces: '/namespaces',
  nodes: '/nodes',
  events: '/events',
  serviceAccounts: '/serviceaccounts',
  deployments: 'apps/deployments',
  replicaSets: 'apps/replicasets',
  statefulSets: 'apps/statefulsets',
  daemonSets: 'apps/daemonsets',
  controllerRevisions: 'apps/controllerrevisions',
  jobs: 'batch/jobs',
  endpointSlices: 'discovery.k8s.io/endpointslices',
  customResourceDefinitions: 'apiextensions.k8s.io/customresourcedefinitions',
} as const satisfies Record<string, ResourceKey>;

/**
 * A controller of one resource that is also woken by the objects it owns.
 * @param reconcile gets the current object; it is not called for objects that are gone
 */
export function ownerController(
  context: ControllerContext,
  resource: { key: ResourceKey; kind: string; owned: readonly ResourceKey[] },
  reconcile: (object: KubeObject) => void,
): Controller {
  const { cluster, queue } = context;
  const schedule = (namespace: string, name: string) => {
    queue.after(cluster.timings.reconcileMs, `${resource.key} ${namespace}/${name}`, () => {
      const current = cluster.store.get(resource.key, namespace, name);
      if (current !== undefined) reconcile(current);
    });
  };
  return ({ key, object }) => {
    if (key === resource.key) schedule(namespaceOf(object), nameOf(object));
    if (!resource.owned.includes(key)) return;
    for (const owner of ownersOf(object)) {
      if (owner.isController && owner.kind === resource.kind)
        schedule(namespaceOf(object), owner.name);
    }
  };
}

/** Objects of a resource that `owner` controls. */
export function ownedBy(
  context: ControllerContext,
  key: ResourceKey,
  owner: KubeObject,
): KubeObject[] {
  return context.cluster.store
    .list(key, namespaceOf(owner))
    .filter((object) => isControlledBy(object, owner));
}

/** Stores an edited copy of an object, unless the edit changes nothing. Returns what is stored. */
export function edit(
  context: ControllerContext,
  key: ResourceKey,
  object: KubeObject,
  change: (copy: KubeObject) => void,
): KubeObject {
  const current = context.cluster.store.get(key, namespaceOf(object), nameOf(object)) ?? object;
  const copy = copyJson(current);
  change(copy);
  return equalJson(copy, current) ? current : context.cluster.store.put(key, copy);
}

/** A condition; its transition time is that of the previous one when the status is the same. */
export function condition(
  object: KubeObject,
  type: string,
  status: 'True' | 'False',
  details: { reason: string; message: string; time: string },
): JsonObject {
  const conditions = valueAt(object, 'status', 'conditions');
  const before = Array.isArray(conditions)
    ? conditions.find((entry) => valueAt(entry, 'type') === type)
    : undefined;
  const isSame =
    valueAt(before, 'status') === status && valueAt(before, 'reason') === details.reason;
  const since = isSame ? valueAt(before, 'lastTransitionTime') : undefined;
  return {
    type,
    status,
    lastTransitionTime: since ?? details.time,
    reason: details.reason,
    message: details.message,
  };
}
