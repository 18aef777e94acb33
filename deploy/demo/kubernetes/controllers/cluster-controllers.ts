/** Starts all controllers of a demo cluster on one queue. Used by kubernetes-api.ts. */
import type { Cluster } from '../cluster.js';
import { createObject } from '../lifecycle/create-object.js';
import { systemWrite } from '../lifecycle/write-context.js';
import { ensureObject, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { apiTime, nameOf, namespaceOf } from '../objects/kube-object.js';
import { resourceKey } from '../resources/resource-definition.js';
import type { Controller, ControllerContext } from './controller.js';
import { condition, edit, KEYS } from './controller.js';
import { deploymentController } from './deployment-controller.js';
import { endpointsController } from './endpoints-controller.js';
import { garbageCollector } from './garbage-collector.js';
import { jobController } from './job-controller.js';
import { daemonSetController, statefulSetController } from './ordinal-set-controllers.js';
import { podKubelet } from './pod-kubelet.js';
import { replicaSetController } from './replica-set-controller.js';
import { WorkQueue } from './work-queue.js';

/** Running controllers. */
export interface ClusterControllers {
  /** Does all waiting work now, whatever its delay. */
  settle(): void;
  stop(): void;
}

/** Starts the controllers of a cluster. */
export function startControllers(cluster: Cluster): ClusterControllers {
  const queue = new WorkQueue();
  const context: ControllerContext = { cluster, queue };
  const controllers: Controller[] = [
    namespaceDefaults(context),
    podKubelet(context),
    replicaSetController(context),
    deploymentController(context),
    statefulSetController(context),
    daemonSetController(context),
    jobController(context),
    endpointsController(context),
    definitionController(context),
    garbageCollector(context),
  ];
  const unsubscribe = cluster.store.subscribe((event) => {
    for (const react of controllers) react(event);
  });
  return {
    settle: () => queue.settle(),
    stop: () => {
      unsubscribe();
      queue.stop();
    },
  };
}

/** Every namespace gets its default service account. */
function namespaceDefaults({ cluster, queue }: ControllerContext): Controller {
  return ({ type, key, object }) => {
    if (key !== KEYS.namespaces || type !== 'ADDED') return;
    queue.after(0, `default account ${nameOf(object)}`, () => {
      const resource = cluster.catalog.find('', 'v1', 'serviceaccounts');
      const exists =
        cluster.store.get(KEYS.serviceAccounts, nameOf(object), 'default') !== undefined;
      const home = cluster.store.get(KEYS.namespaces, '', nameOf(object));
      if (resource === undefined || exists || home === undefined) return;
      if (stringAt(home, 'status', 'phase') === 'Terminating') return;
      const metadata = { name: 'default', namespace: nameOf(object) };
      createObject(
        cluster,
        resource,
        nameOf(object),
        { metadata },
        systemWrite('kube-controller-manager'),
      );
    });
  };
}

/** Custom resource definitions are established as soon as they exist; their objects go with them. */
function definitionController(context: ControllerContext): Controller {
  const { cluster, queue } = context;
  return ({ type, key, object }) => {
    if (key !== KEYS.customResourceDefinitions) return;
    if (type === 'DELETED') removeInstances(cluster, object);
    if (type !== 'ADDED') return;
    queue.after(cluster.timings.reconcileMs, `definition ${nameOf(object)}`, () => {
      if (cluster.store.get(key, '', nameOf(object)) === undefined) return;
      const time = apiTime(cluster.now());
      edit(context, key, object, (copy) => {
        const status = ensureObject(copy, 'status');
        const noConflicts = { reason: 'NoConflicts', message: 'no conflicts found', time };
        const accepted = {
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
          time,
        };
        status['acceptedNames'] = ensureObject(copy, 'spec', 'names');
        status['storedVersions'] = ['v1'];
        status['conditions'] = [
          condition(copy, 'NamesAccepted', 'True', noConflicts),
          condition(copy, 'Established', 'True', accepted),
        ];
      });
    });
  };
}

function removeInstances({ store }: Cluster, definition: KubeObject): void {
  const group = stringAt(definition, 'spec', 'group');
  const key = resourceKey(group, stringAt(definition, 'spec', 'names', 'plural'));
  for (const instance of store.list(key))
    store.remove(key, namespaceOf(instance), nameOf(instance));
}
