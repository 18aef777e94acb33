/** Cluster addresses and node ports of services: the lowest ones that are free. */
import type { Cluster } from '../cluster.js';
import { isJsonObject, ensureObject, listAt, numberAt, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { resourceKey } from '../resources/resource-definition.js';

const FIRST_NODE_PORT = 30_000;

/** Gives a new service its cluster IP and node ports, in place. */
export function allocateService(cluster: Cluster, service: KubeObject): void {
  const spec = ensureObject(service, 'spec');
  const type = stringAt(spec, 'type');
  const services = cluster.store.list(resourceKey('', 'services'));
  if (type !== 'ExternalName' && stringAt(spec, 'clusterIP') === '') {
    const used = new Set(services.map((other) => stringAt(other, 'spec', 'clusterIP')));
    spec['clusterIP'] = firstFree(1, clusterAddress, used);
    spec['clusterIPs'] = [spec['clusterIP']];
  }
  if (type !== 'NodePort' && type !== 'LoadBalancer') return;
  const used = new Set(
    services.flatMap((other) =>
      listAt(other, 'spec', 'ports').map((port) => numberAt(port, 'nodePort')),
    ),
  );
  for (const port of listAt(spec, 'ports').filter(isJsonObject)) {
    if (numberAt(port, 'nodePort') !== 0) continue;
    const nodePort = firstFree(FIRST_NODE_PORT, (index) => index, used);
    port['nodePort'] = nodePort;
    used.add(nodePort);
  }
}

/** Carries allocated values over to a changed service that leaves them out, in place. */
export function keepAllocated(service: KubeObject, previous: KubeObject): void {
  const spec = ensureObject(service, 'spec');
  if (stringAt(spec, 'type') === 'ExternalName') return;
  spec['clusterIP'] ??= stringAt(previous, 'spec', 'clusterIP');
  spec['clusterIPs'] ??= listAt(previous, 'spec', 'clusterIPs');
  if (!['NodePort', 'LoadBalancer'].includes(stringAt(spec, 'type'))) return;
  for (const port of listAt(spec, 'ports').filter(isJsonObject)) {
    const before = listAt(previous, 'spec', 'ports').find(
      (entry) => numberAt(entry, 'port') === numberAt(port, 'port'),
    );
    const nodePort = numberAt(before, 'nodePort');
    if (nodePort !== 0) port['nodePort'] ??= nodePort;
  }
}

function clusterAddress(index: number): string {
  return `10.96.${Math.floor(index / 250)}.${(index % 250) + 1}`;
}

function firstFree<T>(start: number, make: (index: number) => T, used: ReadonlySet<T>): T {
  let index = start;
  while (used.has(make(index))) index += 1;
  return make(index);
}
