/**
 * How one resource and its subresources appear in discovery. Both forms of discovery
 * (legacy-discovery.ts, aggregated-discovery.ts) are built from these entries.
 */
import type { ServedResource, Subresource } from '../resources/resource-definition.js';
import { ACCESS_VERBS, SUBRESOURCE_VERBS } from '../resources/resource-definition.js';

/** The kind a resource or subresource answers with. */
export interface ResponseKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** One line of discovery. */
export interface DiscoveryEntry {
  /** Undefined for the resource itself. */
  readonly subresource: Subresource | undefined;
  readonly responseKind: ResponseKind;
  readonly verbs: readonly string[];
}

/** The resource itself first, then its subresources by name. */
export function discoveryEntries(resource: ServedResource): DiscoveryEntry[] {
  const { definition, version } = resource;
  const own: ResponseKind = { group: definition.group, version, kind: definition.kind };
  const subresources = [...definition.subresources].sort().map((subresource): DiscoveryEntry => ({
    subresource,
    responseKind: subresourceKind(subresource, own),
    verbs: SUBRESOURCE_VERBS[subresource],
  }));
  return [
    { subresource: undefined, responseKind: own, verbs: ACCESS_VERBS[definition.access] },
    ...subresources,
  ];
}

function subresourceKind(subresource: Subresource, own: ResponseKind): ResponseKind {
  switch (subresource) {
    case 'scale':
      return { group: 'autoscaling', version: 'v1', kind: 'Scale' };
    case 'exec':
      return { ...own, kind: 'PodExecOptions' };
    case 'attach':
      return { ...own, kind: 'PodAttachOptions' };
    case 'portforward':
      return { ...own, kind: 'PodPortForwardOptions' };
    case 'eviction':
      return { group: 'policy', version: 'v1', kind: 'Eviction' };
    case 'token':
      return { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
    case 'status':
    case 'log':
    case 'finalize':
      return own;
  }
}
