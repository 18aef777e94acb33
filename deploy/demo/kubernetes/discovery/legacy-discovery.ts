/**
 * The discovery documents of every Kubernetes version: /api, /apis, /apis/GROUP and one per
 * group version. kubectl before 1.26 reads only these.
 */
import type { JsonObject } from '../objects/json-value.js';
import type { ResourceCatalog, ServedGroup } from '../resources/resource-catalog.js';
import type { ServedResource } from '../resources/resource-definition.js';
import { groupVersionOf } from '../resources/resource-definition.js';
import { discoveryEntries } from './discovery-entry.js';

/** /api */
export function coreVersions(serverAddress: string): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** /apis */
export function groupList(catalog: ResourceCatalog): JsonObject {
  const groups = catalog.groups().filter((group) => group.name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupBody) };
}

/** /apis/GROUP; undefined when the cluster has no such group. */
export function oneGroup(catalog: ResourceCatalog, name: string): JsonObject | undefined {
  const group = catalog.groups().find((entry) => entry.name === name && name !== '');
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
}

/** /api/v1 and /apis/GROUP/VERSION; undefined when the cluster has no such group version. */
export function resourceList(
  catalog: ResourceCatalog,
  group: string,
  version: string,
): JsonObject | undefined {
  const resources = catalog.resourcesOf(group, version);
  if (resources.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: groupVersionOf(group, version),
    resources: resources.flatMap(resourceLines),
  };
}

function groupBody(group: ServedGroup): JsonObject {
  const versions = group.versions.map((version) => ({
    groupVersion: groupVersionOf(group.name, version),
    version,
  }));
  return { name: group.name, versions, preferredVersion: versions[0] ?? {} };
}

function resourceLines(resource: ServedResource): JsonObject[] {
  const { definition } = resource;
  return discoveryEntries(resource).map(({ subresource, responseKind, verbs }): JsonObject => {
    const isOwnKind = responseKind.group === definition.group;
    const kindOfOther = { group: responseKind.group, version: responseKind.version };
    const common = {
      namespaced: definition.isNamespaced,
      ...(isOwnKind ? {} : kindOfOther),
      kind: responseKind.kind,
      verbs: [...verbs],
    };
    if (subresource !== undefined) {
      return { name: `${definition.plural}/${subresource}`, singularName: '', ...common };
    }
    return {
      name: definition.plural,
      singularName: definition.singular,
      ...common,
      ...(definition.shortNames.length === 0 ? {} : { shortNames: [...definition.shortNames] }),
      ...(definition.categories.length === 0 ? {} : { categories: [...definition.categories] }),
    };
  });
}
