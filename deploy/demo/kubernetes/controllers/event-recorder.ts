/** Writes core/v1 events about objects, as controllers and the kubelet do. */
import { createObject } from '../lifecycle/create-object.js';
import { systemWrite } from '../lifecycle/write-context.js';
import { stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { apiTime, isTerminating, nameOf, namespaceOf, uidOf } from '../objects/kube-object.js';
import type { ControllerContext } from './controller.js';
import { KEYS } from './controller.js';

/** What happened. */
export interface Occurrence {
  readonly component: string;
  readonly reason: string;
  readonly message: string;
  readonly fieldPath?: string;
}

/** Records that something happened to an object. Namespaces that are ending take no more events. */
export function recordEvent(
  { cluster }: ControllerContext,
  object: KubeObject,
  occurrence: Occurrence,
): void {
  const namespace = namespaceOf(object) || 'default';
  const home = cluster.store.get(KEYS.namespaces, '', namespace);
  const resource = cluster.catalog.find('', 'v1', 'events');
  if (home === undefined || isTerminating(home) || resource === undefined) return;
  const time = apiTime(cluster.now());
  const manifest = {
    metadata: { generateName: `${nameOf(object)}.`, namespace },
    involvedObject: {
      kind: object.kind,
      namespace: namespaceOf(object),
      name: nameOf(object),
      uid: uidOf(object),
      apiVersion: object.apiVersion,
      resourceVersion: stringAt(object, 'metadata', 'resourceVersion'),
      ...(occurrence.fieldPath === undefined ? {} : { fieldPath: occurrence.fieldPath }),
    },
    reason: occurrence.reason,
    message: occurrence.message,
    source: { component: occurrence.component },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type: 'Normal',
    reportingComponent: occurrence.component,
    reportingInstance: '',
  };
  createObject(cluster, resource, namespace, manifest, systemWrite(occurrence.component));
}
