/** Fills a new cluster: system namespaces and nodes always, the demo application when asked. */
import type { Cluster } from '../cluster.js';
import type { ClusterObjects } from '../cluster-objects.js';
import { demoManifests, nodeManifests, SYSTEM_NAMESPACES, TICKER } from './demo-manifests.js';

/** Creates the objects; controllers complete them afterwards. */
export function seedCluster(cluster: Cluster, objects: ClusterObjects, hasDemo: boolean): void {
  const namespaces = hasDemo ? [...SYSTEM_NAMESPACES, TICKER.namespace] : SYSTEM_NAMESPACES;
  for (const name of namespaces) {
    objects.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  for (const node of nodeManifests(cluster.minor)) objects.create(node);
  objects.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver' } },
    spec: { ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
  });
  if (!hasDemo) return;
  for (const manifest of demoManifests()) objects.create(manifest);
}

/** Lets the ticker pod log a line a second until the returned function is called. */
export function startTicker(cluster: Cluster): () => void {
  let count = 0;
  const timer = setInterval(() => {
    count += 1;
    cluster.podLogs.append(TICKER.namespace, TICKER.pod, TICKER.container, `tick ${count}`);
  }, 1000);
  return () => clearInterval(timer);
}
