/** Keeps the wanted number of pods of each ReplicaSet and reports how many are ready. */
import { deleteObject } from '../lifecycle/delete-object.js';
import { numberAt, valueAt, listAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { generationOf, isTerminating, nameOf } from '../objects/kube-object.js';
import type { Controller, ControllerContext } from './controller.js';
import { edit, KEYS, ownedBy, ownerController } from './controller.js';
import { recordEvent } from './event-recorder.js';
import { createPod } from './pod-factory.js';

/** The controller of ReplicaSets. */
export function replicaSetController(context: ControllerContext): Controller {
  return ownerController(
    context,
    { key: KEYS.replicaSets, kind: 'ReplicaSet', owned: [KEYS.pods] },
    (replicaSet) => {
      if (!isTerminating(replicaSet)) reconcile(context, replicaSet);
    },
  );
}

/** True for a pod whose Ready condition holds. */
export function isReady(pod: KubeObject): boolean {
  return listAt(pod, 'status', 'conditions').some(
    (entry) => valueAt(entry, 'type') === 'Ready' && valueAt(entry, 'status') === 'True',
  );
}

/** Deletes a pod the way a controller does: with its grace period. */
export function removePod({ cluster }: ControllerContext, pod: KubeObject): void {
  const resource = cluster.catalog.find('', 'v1', 'pods');
  if (resource === undefined) return;
  deleteObject(cluster, resource, pod, {
    gracePeriodSeconds: undefined,
    propagation: 'Background',
    uid: '',
    resourceVersion: '',
    isDryRun: false,
  });
}

function reconcile(context: ControllerContext, replicaSet: KubeObject): void {
  const wanted = numberAt(replicaSet, 'spec', 'replicas');
  const active = ownedBy(context, KEYS.pods, replicaSet).filter((pod) => !isTerminating(pod));
  for (let missing = wanted - active.length; missing > 0; missing -= 1) {
    const pod = createPod(context, replicaSet, {
      metadata: { generateName: `${nameOf(replicaSet)}-` },
    });
    if (pod === undefined) return;
    active.push(pod);
    report(context, replicaSet, 'SuccessfulCreate', `Created pod: ${nameOf(pod)}`);
  }
  // Pods that are not ready go first, as in the real controller.
  const surplus = [...active]
    .sort((left, right) => Number(isReady(left)) - Number(isReady(right)))
    .slice(0, Math.max(0, active.length - wanted));
  for (const pod of surplus) {
    removePod(context, pod);
    report(context, replicaSet, 'SuccessfulDelete', `Deleted pod: ${nameOf(pod)}`);
  }
  writeStatus(
    context,
    replicaSet,
    active.filter((pod) => !surplus.includes(pod)),
  );
}

function report(
  context: ControllerContext,
  replicaSet: KubeObject,
  reason: string,
  message: string,
): void {
  recordEvent(context, replicaSet, { component: 'replicaset-controller', reason, message });
}

function writeStatus(
  context: ControllerContext,
  replicaSet: KubeObject,
  pods: readonly KubeObject[],
): void {
  const ready = pods.filter(isReady).length;
  edit(context, KEYS.replicaSets, replicaSet, (copy) => {
    copy['status'] = {
      replicas: pods.length,
      fullyLabeledReplicas: pods.length,
      observedGeneration: generationOf(replicaSet),
      ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
    };
  });
}
