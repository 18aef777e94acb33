/**
 * The state of one demo cluster, handed to handlers, controllers and the seed.
 * It has no sockets: http/ and handlers/ put it on the network.
 */
import type { ClusterTimings, KubernetesApiOptions } from './api-options.js';
import { DEFAULT_TIMINGS } from './api-options.js';
import { NameSource } from './name-source.js';
import { ResourceCatalog } from './resources/resource-catalog.js';
import { resourceKey } from './resources/resource-definition.js';
import { RESOURCE_TABLE } from './resources/resource-table.js';
import { createSchemaCatalog } from './schemas/schema-catalog.js';
import type { SchemaCatalog } from './schemas/schema-definition.js';
import { ObjectStore } from './store/object-store.js';
import { PodLogs } from './store/pod-logs.js';

/** Parts of a cluster. */
export interface Cluster {
  /** Kubernetes minor version. */
  readonly minor: number;
  readonly store: ObjectStore;
  readonly catalog: ResourceCatalog;
  readonly schemas: SchemaCatalog;
  readonly names: NameSource;
  readonly podLogs: PodLogs;
  readonly timings: ClusterTimings;
  readonly now: () => Date;
}

/** Builds an empty cluster. Throws on a version that is not `1.N`. */
export function createCluster(options: KubernetesApiOptions): Cluster {
  const minor = minorOf(options.version ?? '1.31');
  const now = options.now ?? (() => new Date());
  const store = new ObjectStore({ historySize: options.historySize ?? 5000 });
  const definitions = resourceKey('apiextensions.k8s.io', 'customresourcedefinitions');
  return {
    minor,
    store,
    catalog: new ResourceCatalog({
      table: RESOURCE_TABLE,
      minor,
      customDefinitions: () => store.list(definitions),
    }),
    schemas: createSchemaCatalog(),
    names: new NameSource(),
    podLogs: new PodLogs(now),
    timings: { ...DEFAULT_TIMINGS, ...options.timings },
    now,
  };
}

function minorOf(version: string): number {
  const match = /^v?1\.(\d+)(\.\d+)?$/.exec(version);
  if (!match)
    throw new Error(`kubernetes version "${version}" of the demo API is not of the form 1.N`);
  return Number(match[1]);
}
