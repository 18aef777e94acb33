/**
 * StatefulSets and DaemonSets: pods by ordinal or by node, a ControllerRevision per template (for
 * `kubectl rollout history` and `undo`), pods of an old template replaced one after the other.
 */
import { createObject } from '../lifecycle/create-object.js';
import { systemWrite } from '../lifecycle/write-context.js';
import { safeText } from '../name-source.js';
import {
  copyJson,
  ensureObject,
  equalJson,
  numberAt,
  objectAt,
  stringAt,
  stringsAt,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  controllerReference,
  generationOf,
  isTerminating,
  labelsOf,
  nameOf,
  namespaceOf,
} from '../objects/kube-object.js';
import type { Controller, ControllerContext } from './controller.js';
import { edit, KEYS, ownedBy, ownerController } from './controller.js';
import { createPod } from './pod-factory.js';
import { isReady, removePod } from './replica-set-controller.js';

const REVISION_LABEL = 'controller-revision-hash';

/** The controller of StatefulSets. */
export function statefulSetController(context: ControllerContext): Controller {
  return ownerController(
    context,
    { key: KEYS.statefulSets, kind: 'StatefulSet', owned: [KEYS.pods] },
    (set) => {
      if (isTerminating(set)) return;
      const replicas = numberAt(set, 'spec', 'replicas');
      const names = Array.from({ length: replicas }, (_, ordinal) => `${nameOf(set)}-${ordinal}`);
      const revision = currentRevision(context, set);
      const pods = replacePods(
        context,
        set,
        revision,
        names.map((name) => ({ name })),
      );
      writeStatefulStatus(context, set, revision, pods);
    },
  );
}

/** The controller of DaemonSets. */
export function daemonSetController(context: ControllerContext): Controller {
  return ownerController(
    context,
    { key: KEYS.daemonSets, kind: 'DaemonSet', owned: [KEYS.pods] },
    (set) => {
      if (isTerminating(set)) return;
      const nodes = context.cluster.store.list(KEYS.nodes).map(nameOf);
      const revision = currentRevision(context, set);
      const wanted = nodes.map((node) => ({
        name: `${nameOf(set)}-${safeText(`${nameOf(set)} ${node}`, 5)}`,
        node,
      }));
      const pods = replacePods(context, set, revision, wanted);
      writeDaemonStatus(context, set, revision, pods, nodes.length);
    },
  );
}

interface WantedPod {
  readonly name: string;
  readonly node?: string;
}

/** Creates missing pods, removes surplus ones, and one of an old template when the rest is ready. */
function replacePods(
  context: ControllerContext,
  set: KubeObject,
  revision: KubeObject,
  wanted: readonly WantedPod[],
): KubeObject[] {
  const hash = stringAt(revision, 'metadata', 'labels', REVISION_LABEL);
  const pods = ownedBy(context, KEYS.pods, set);
  for (const { name, node } of wanted) {
    if (pods.some((pod) => nameOf(pod) === name)) continue;
    const created = createPod(context, set, {
      metadata: { name },
      labels: {
        [REVISION_LABEL]: hash,
        ...(set.kind === 'StatefulSet' ? { 'statefulset.kubernetes.io/pod-name': name } : {}),
      },
      ...(node === undefined ? {} : { nodeName: node }),
    });
    if (created !== undefined) pods.push(created);
  }
  const surplus = pods.filter((pod) => !wanted.some(({ name }) => name === nameOf(pod)));
  for (const pod of surplus) if (!isTerminating(pod)) removePod(context, pod);
  const kept = pods.filter((pod) => !surplus.includes(pod) && !isTerminating(pod));
  const outdated = kept.filter((pod) => labelsOf(pod)[REVISION_LABEL] !== hash);
  const [next] = outdated.reverse();
  if (next !== undefined && kept.length === wanted.length && kept.every(isReady)) {
    removePod(context, next);
  }
  return kept;
}

/** The ControllerRevision of the present template, created or renumbered as needed. */
function currentRevision(context: ControllerContext, set: KubeObject): KubeObject {
  const { cluster } = context;
  const data = {
    spec: { template: { ...copyJson(objectAt(set, 'spec', 'template')), $patch: 'replace' } },
  };
  const revisions = ownedBy(context, KEYS.controllerRevisions, set);
  const highest = Math.max(0, ...revisions.map((entry) => numberAt(entry, 'revision')));
  const known = revisions.find((entry) => equalJson(objectAt(entry, 'data'), data));
  if (known !== undefined) {
    if (numberAt(known, 'revision') === highest) return known;
    return edit(context, KEYS.controllerRevisions, known, (copy) => {
      copy['revision'] = highest + 1;
    });
  }
  const resource = cluster.catalog.find('apps', 'v1', 'controllerrevisions');
  if (resource === undefined) return set;
  const hash = safeText(JSON.stringify([nameOf(set), data]), 10);
  return createObject(
    cluster,
    resource,
    namespaceOf(set),
    {
      metadata: {
        name: `${nameOf(set)}-${hash}`,
        namespace: namespaceOf(set),
        labels: { ...stringsAt(set, 'spec', 'selector', 'matchLabels'), [REVISION_LABEL]: hash },
        ownerReferences: [controllerReference(set)],
      },
      data,
      revision: highest + 1,
    },
    systemWrite('kube-controller-manager'),
  );
}

function writeStatefulStatus(
  context: ControllerContext,
  set: KubeObject,
  revision: KubeObject,
  pods: readonly KubeObject[],
): void {
  const hash = stringAt(revision, 'metadata', 'labels', REVISION_LABEL);
  const updated = pods.filter((pod) => labelsOf(pod)[REVISION_LABEL] === hash).length;
  const isUpdated = updated === numberAt(set, 'spec', 'replicas');
  const before = stringAt(set, 'status', 'currentRevision');
  edit(context, KEYS.statefulSets, set, (copy) => {
    Object.assign(ensureObject(copy, 'status'), {
      observedGeneration: generationOf(set),
      replicas: pods.length,
      readyReplicas: pods.filter(isReady).length,
      availableReplicas: pods.filter(isReady).length,
      updatedReplicas: updated,
      currentReplicas: updated,
      updateRevision: nameOf(revision),
      currentRevision: isUpdated || before === '' ? nameOf(revision) : before,
      collisionCount: 0,
    });
  });
}

function writeDaemonStatus(
  context: ControllerContext,
  set: KubeObject,
  revision: KubeObject,
  pods: readonly KubeObject[],
  nodeCount: number,
): void {
  const hash = stringAt(revision, 'metadata', 'labels', REVISION_LABEL);
  const ready = pods.filter(isReady).length;
  edit(context, KEYS.daemonSets, set, (copy) => {
    copy['status'] = {
      observedGeneration: generationOf(set),
      desiredNumberScheduled: nodeCount,
      currentNumberScheduled: pods.length,
      numberMisscheduled: 0,
      numberReady: ready,
      numberAvailable: ready,
      updatedNumberScheduled: pods.filter((pod) => labelsOf(pod)[REVISION_LABEL] === hash).length,
    };
  });
}
