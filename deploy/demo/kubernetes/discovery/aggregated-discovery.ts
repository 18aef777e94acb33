/**
 * Aggregated discovery (KEP-3352): all groups in two documents, which kubectl 1.26 and newer ask
 * for first. Version v2beta1 from Kubernetes 1.27, v2 from 1.30.
 */
import type { JsonObject } from '../objects/json-value.js';
import type { ResourceCatalog, ServedGroup } from '../resources/resource-catalog.js';
import type { ServedResource } from '../resources/resource-definition.js';
import type { DiscoveryEntry } from './discovery-entry.js';
import { discoveryEntries } from './discovery-entry.js';

/** Versions of the aggregated document that a cluster of a minor version offers, newest first. */
export function aggregatedVersions(minor: number): readonly string[] {
  if (minor >= 30) return ['v2', 'v2beta1'];
  return minor >= 27 ? ['v2beta1'] : [];
}

/** The media type of an aggregated document, as it is asked for and answered. */
export function aggregatedMediaType(version: string): string {
  return `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
}

/** The document of /api (the core group) or /apis (all others). */
export function aggregatedDiscovery(
  catalog: ResourceCatalog,
  version: string,
  path: '/api' | '/apis',
): JsonObject {
  const groups = catalog.groups().filter((group) => (group.name === '') === (path === '/api'));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => groupItem(catalog, group)),
  };
}

function groupItem(catalog: ResourceCatalog, group: ServedGroup): JsonObject {
  return {
    metadata: { ...(group.name === '' ? {} : { name: group.name }), creationTimestamp: null },
    versions: group.versions.map((version) => ({
      version,
      resources: catalog.resourcesOf(group.name, version).map(resourceItem),
      freshness: 'Current',
    })),
  };
}

function resourceItem(resource: ServedResource): JsonObject {
  const { definition } = resource;
  const [own, ...subresources] = discoveryEntries(resource);
  return {
    resource: definition.plural,
    responseKind: { ...own?.responseKind },
    scope: definition.isNamespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: [...(own?.verbs ?? [])],
    ...(definition.shortNames.length === 0 ? {} : { shortNames: [...definition.shortNames] }),
    ...(definition.categories.length === 0 ? {} : { categories: [...definition.categories] }),
    ...(subresources.length === 0 ? {} : { subresources: subresources.map(subresourceItem) }),
  };
}

function subresourceItem(entry: DiscoveryEntry): JsonObject {
  return {
    subresource: entry.subresource ?? '',
    responseKind: { ...entry.responseKind },
    verbs: [...entry.verbs],
  };
}
