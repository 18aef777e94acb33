/** Keeps Endpoints and EndpointSlices in step with the ready pods behind each service. */
import { createObject } from '../lifecycle/create-object.js';
import { systemWrite } from '../lifecycle/write-context.js';
import type { Json, JsonObject } from '../objects/json-value.js';
import { listAt, numberAt, stringAt, stringsAt, valueAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import {
  controllerReference,
  isTerminating,
  labelsOf,
  nameOf,
  namespaceOf,
  uidOf,
} from '../objects/kube-object.js';
import { groupVersionOf } from '../resources/resource-definition.js';
import type { Controller, ControllerContext } from './controller.js';
import { edit, KEYS } from './controller.js';
import { isReady } from './replica-set-controller.js';

/** The controller of endpoints. */
export function endpointsController(context: ControllerContext): Controller {
  const { cluster, queue } = context;
  return ({ type, key, object }) => {
    if (key === KEYS.services && type === 'DELETED') {
      cluster.store.remove(KEYS.endpoints, namespaceOf(object), nameOf(object));
      return;
    }
    if (key !== KEYS.services && key !== KEYS.pods) return;
    const namespace = namespaceOf(object);
    queue.after(cluster.timings.reconcileMs, `endpoints ${namespace}`, () => {
      for (const service of cluster.store.list(KEYS.services, namespace)) {
        writeEndpoints(context, service);
      }
    });
  };
}

function writeEndpoints(context: ControllerContext, service: KubeObject): void {
  const { cluster } = context;
  const home = cluster.store.get(KEYS.namespaces, '', namespaceOf(service));
  const selector = Object.entries(stringsAt(service, 'spec', 'selector'));
  if (selector.length === 0 || home === undefined || isTerminating(home)) return;
  const pods = cluster.store
    .list(KEYS.pods, namespaceOf(service))
    .filter((pod) => selector.every(([label, value]) => labelsOf(pod)[label] === value))
    .filter((pod) => isReady(pod) && !isTerminating(pod));
  writeObject(context, service, KEYS.endpoints, 'Endpoints', nameOf(service), {
    subsets:
      pods.length === 0 ? [] : [{ addresses: pods.map(podAddress), ports: ports(service, pods) }],
  });
  writeObject(context, service, KEYS.endpointSlices, 'EndpointSlice', `${nameOf(service)}-slice`, {
    addressType: 'IPv4',
    endpoints: pods.map((pod) => ({
      addresses: [stringAt(pod, 'status', 'podIP')],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: stringAt(pod, 'spec', 'nodeName'),
      targetRef: targetReference(pod),
    })),
    // Every port of a slice has a name, '' where the service has none.
    ports: ports(service, pods).map((port) => ({ name: '', ...port })),
  });
}

function writeObject(
  context: ControllerContext,
  service: KubeObject,
  key: string,
  kind: string,
  name: string,
  body: JsonObject,
): void {
  const { cluster } = context;
  const resource = cluster.catalog.storageVersion(key);
  if (resource === undefined) return;
  const current = cluster.store.get(key, namespaceOf(service), name);
  if (current !== undefined) {
    edit(context, key, current, (copy) => Object.assign(copy, body));
    return;
  }
  const isSlice = kind === 'EndpointSlice';
  const metadata = {
    name,
    namespace: namespaceOf(service),
    labels: isSlice ? { 'kubernetes.io/service-name': nameOf(service) } : labelsOf(service),
    ...(isSlice ? { ownerReferences: [controllerReference(service)] } : {}),
  };
  const apiVersion = groupVersionOf(resource.definition.group, resource.version);
  createObject(
    cluster,
    resource,
    namespaceOf(service),
    { apiVersion, kind, metadata, ...body },
    systemWrite('kube-controller-manager'),
  );
}

function podAddress(pod: KubeObject): JsonObject {
  return {
    ip: stringAt(pod, 'status', 'podIP'),
    nodeName: stringAt(pod, 'spec', 'nodeName'),
    targetRef: targetReference(pod),
  };
}

function targetReference(pod: KubeObject): JsonObject {
  return { kind: 'Pod', namespace: namespaceOf(pod), name: nameOf(pod), uid: uidOf(pod) };
}

function ports(service: KubeObject, pods: readonly KubeObject[]): JsonObject[] {
  return listAt(service, 'spec', 'ports').map((port) => {
    const name = stringAt(port, 'name');
    return {
      ...(name === '' ? {} : { name }),
      port: targetPort(port, pods[0]),
      protocol: stringAt(port, 'protocol') || 'TCP',
    };
  });
}

/** A named target port is looked up in the pod's containers. */
function targetPort(port: Json, pod: KubeObject | undefined): number {
  const target = valueAt(port, 'targetPort');
  if (typeof target === 'number') return target;
  const declared = listAt(pod, 'spec', 'containers')
    .flatMap((container) => listAt(container, 'ports'))
    .find((entry) => stringAt(entry, 'name') === target);
  return declared === undefined ? numberAt(port, 'port') : numberAt(declared, 'containerPort');
}
