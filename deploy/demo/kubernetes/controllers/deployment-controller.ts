/**
 * Rolls deployments out: one ReplicaSet per pod template, revisions, and the conditions that
 * `kubectl rollout status` and `wait` look at. A new ReplicaSet grows to the full size at once and
 * the old ones shrink when its pods are ready.
 */
import { createObject } from '../lifecycle/create-object.js';
import { systemWrite } from '../lifecycle/write-context.js';
import type { JsonObject } from '../objects/json-value.js';
import {
  copyJson,
  dropKey,
  ensureObject,
  equalJson,
  numberAt,
  objectAt,
  stringAt,
  stringsAt,
  valueAt,
  without,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  apiTime,
  controllerReference,
  generationOf,
  isTerminating,
  nameOf,
  namespaceOf,
} from '../objects/kube-object.js';
import { safeText } from '../name-source.js';
import type { Controller, ControllerContext } from './controller.js';
import { condition, edit, KEYS, ownedBy, ownerController } from './controller.js';
import { recordEvent } from './event-recorder.js';

const REVISION = 'deployment.kubernetes.io/revision';
const HASH_LABEL = 'pod-template-hash';

/** The controller of Deployments. */
export function deploymentController(context: ControllerContext): Controller {
  return ownerController(
    context,
    { key: KEYS.deployments, kind: 'Deployment', owned: [KEYS.replicaSets] },
    (deployment) => {
      if (!isTerminating(deployment)) reconcile(context, deployment);
    },
  );
}

function reconcile(context: ControllerContext, deployment: KubeObject): void {
  const replicaSets = ownedBy(context, KEYS.replicaSets, deployment).filter(
    (set) => !isTerminating(set),
  );
  const isPaused = valueAt(deployment, 'spec', 'paused') === true;
  let current = replicaSets.find((set) => hasTemplateOf(set, deployment));
  if (current === undefined && !isPaused) {
    current = createReplicaSet(context, deployment, replicaSets);
    if (current === undefined) return;
  } else if (current !== undefined && !isPaused) {
    current = takeRevision(context, deployment, current, replicaSets);
  }
  const old = replicaSets.filter(
    (set) => nameOf(set) !== (current === undefined ? '' : nameOf(current)),
  );
  if (current === undefined) scalePaused(context, deployment, old);
  else scaleSets(context, deployment, current, old);
  dropOldSets(context, deployment, old);
  writeStatus(context, deployment, current);
}

function hasTemplateOf(replicaSet: KubeObject, deployment: KubeObject): boolean {
  const template = copyJson(objectAt(replicaSet, 'spec', 'template'));
  dropKey(ensureObject(template, 'metadata', 'labels'), HASH_LABEL);
  return equalJson(template, objectAt(deployment, 'spec', 'template'));
}

function createReplicaSet(
  context: ControllerContext,
  deployment: KubeObject,
  others: readonly KubeObject[],
): KubeObject | undefined {
  const { cluster } = context;
  const home = cluster.store.get(KEYS.namespaces, '', namespaceOf(deployment));
  const resource = cluster.catalog.find('apps', 'v1', 'replicasets');
  if (home === undefined || isTerminating(home) || resource === undefined) return undefined;
  const template = copyJson(objectAt(deployment, 'spec', 'template'));
  const hash = safeText(JSON.stringify([nameOf(deployment), template]), 10);
  const labels = { ...stringsAt(template, 'metadata', 'labels'), [HASH_LABEL]: hash };
  ensureObject(template, 'metadata')['labels'] = labels;
  const selector = copyJson(objectAt(deployment, 'spec', 'selector'));
  ensureObject(selector, 'matchLabels')[HASH_LABEL] = hash;
  const replicas = numberAt(deployment, 'spec', 'replicas');
  const created = createObject(
    cluster,
    resource,
    namespaceOf(deployment),
    {
      metadata: {
        name: `${nameOf(deployment)}-${hash}`,
        namespace: namespaceOf(deployment),
        labels,
        annotations: revisionAnnotations(deployment, nextRevision(others)),
        ownerReferences: [controllerReference(deployment)],
      },
      spec: { replicas, selector, template },
    },
    systemWrite('kube-controller-manager'),
  );
  reportScaling(context, deployment, created, 'up', replicas);
  return created;
}

/** A template that comes back (rollout undo) becomes the newest revision again. */
function takeRevision(
  context: ControllerContext,
  deployment: KubeObject,
  current: KubeObject,
  replicaSets: readonly KubeObject[],
): KubeObject {
  const others = replicaSets.filter((set) => nameOf(set) !== nameOf(current));
  const highest = nextRevision(others) - 1;
  const revision = revisionOfSet(current) > highest ? revisionOfSet(current) : highest + 1;
  return edit(context, KEYS.replicaSets, current, (copy) => {
    copy.metadata['annotations'] = revisionAnnotations(deployment, revision);
  });
}

function revisionAnnotations(deployment: KubeObject, revision: number): JsonObject {
  const annotations = objectAt(deployment, 'metadata', 'annotations');
  return {
    ...without(annotations, 'kubectl.kubernetes.io/last-applied-configuration'),
    'deployment.kubernetes.io/desired-replicas': String(numberAt(deployment, 'spec', 'replicas')),
    [REVISION]: String(revision),
  };
}

function revisionOfSet(replicaSet: KubeObject): number {
  return Number(stringAt(replicaSet, 'metadata', 'annotations', REVISION) || 0);
}

function nextRevision(replicaSets: readonly KubeObject[]): number {
  return Math.max(0, ...replicaSets.map(revisionOfSet)) + 1;
}

function scaleSets(
  context: ControllerContext,
  deployment: KubeObject,
  current: KubeObject,
  old: readonly KubeObject[],
): void {
  const wanted = numberAt(deployment, 'spec', 'replicas');
  scaleSet(context, deployment, current, wanted);
  const isRolledOut = numberAt(current, 'status', 'readyReplicas') >= wanted;
  if (isRolledOut) for (const set of old) scaleSet(context, deployment, set, 0);
}

/** While paused, scaling works on the set that runs. */
function scalePaused(
  context: ControllerContext,
  deployment: KubeObject,
  sets: readonly KubeObject[],
): void {
  const running = sets.filter((set) => numberAt(set, 'spec', 'replicas') > 0);
  const newest = running.sort((left, right) => revisionOfSet(right) - revisionOfSet(left))[0];
  if (newest !== undefined) {
    scaleSet(context, deployment, newest, numberAt(deployment, 'spec', 'replicas'));
  }
}

function scaleSet(
  context: ControllerContext,
  deployment: KubeObject,
  replicaSet: KubeObject,
  replicas: number,
): void {
  const before = numberAt(replicaSet, 'spec', 'replicas');
  if (before === replicas) return;
  edit(context, KEYS.replicaSets, replicaSet, (copy) => {
    ensureObject(copy, 'spec')['replicas'] = replicas;
    copy.metadata['generation'] = generationOf(copy) + 1;
  });
  reportScaling(context, deployment, replicaSet, replicas > before ? 'up' : 'down', replicas);
}

function reportScaling(
  context: ControllerContext,
  deployment: KubeObject,
  replicaSet: KubeObject,
  direction: 'up' | 'down',
  replicas: number,
): void {
  recordEvent(context, deployment, {
    component: 'deployment-controller',
    reason: 'ScalingReplicaSet',
    message: `Scaled ${direction} replica set ${nameOf(replicaSet)} to ${replicas}`,
  });
}

/** Old sets beyond revisionHistoryLimit are forgotten. */
function dropOldSets(
  { cluster }: ControllerContext,
  deployment: KubeObject,
  old: readonly KubeObject[],
): void {
  const limit = numberAt(deployment, 'spec', 'revisionHistoryLimit');
  const idle = old
    .filter(
      (set) => numberAt(set, 'spec', 'replicas') === 0 && numberAt(set, 'status', 'replicas') === 0,
    )
    .sort((left, right) => revisionOfSet(right) - revisionOfSet(left));
  for (const set of idle.slice(limit))
    cluster.store.remove(KEYS.replicaSets, namespaceOf(set), nameOf(set));
}

function writeStatus(
  context: ControllerContext,
  deployment: KubeObject,
  current: KubeObject | undefined,
): void {
  const sets = ownedBy(context, KEYS.replicaSets, deployment);
  const sum = (field: string) =>
    sets.reduce((total, set) => total + numberAt(set, 'status', field), 0);
  const wanted = numberAt(deployment, 'spec', 'replicas');
  const updated = current === undefined ? 0 : numberAt(current, 'status', 'replicas');
  const available = sum('availableReplicas');
  const counts = {
    replicas: sum('replicas'),
    updatedReplicas: updated,
    readyReplicas: sum('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
  };
  const isComplete =
    updated === wanted &&
    counts.replicas === wanted &&
    available === wanted &&
    current !== undefined;
  edit(context, KEYS.deployments, deployment, (copy) => {
    if (current !== undefined) {
      ensureObject(copy, 'metadata', 'annotations')[REVISION] = String(revisionOfSet(current));
    }
    copy['status'] = {
      observedGeneration: generationOf(deployment),
      // As in a real cluster, counts of zero are left out.
      ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
      conditions: conditionsOf(context, deployment, {
        isComplete,
        isAvailable: available >= wanted,
        current,
      }),
    };
  });
}

function conditionsOf(
  { cluster }: ControllerContext,
  deployment: KubeObject,
  state: { isComplete: boolean; isAvailable: boolean; current: KubeObject | undefined },
): JsonObject[] {
  const time = apiTime(cluster.now());
  const set = state.current === undefined ? '' : nameOf(state.current);
  const availability = state.isAvailable
    ? { reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.', time }
    : {
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
        time,
      };
  const progress = state.isComplete
    ? {
        reason: 'NewReplicaSetAvailable',
        message: `ReplicaSet "${set}" has successfully progressed.`,
        time,
      }
    : { reason: 'ReplicaSetUpdated', message: `ReplicaSet "${set}" is progressing.`, time };
  const conditions = [
    condition(deployment, 'Available', state.isAvailable ? 'True' : 'False', availability),
    condition(deployment, 'Progressing', 'True', progress),
  ];
  return conditions.map((entry) => ({
    ...entry,
    lastUpdateTime: entry['lastTransitionTime'] ?? time,
  }));
}
