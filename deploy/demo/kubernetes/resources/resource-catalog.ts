/**
 * What one cluster of a given Kubernetes version serves: the resource table filtered by version,
 * and the custom resources of the moment. Asked by routing, discovery, OpenAPI and controllers.
 */
import type { JsonObject } from '../objects/json-value.js';
import { customResource } from './custom-resources.js';
import type { ResourceDefinition, ResourceKey, ServedResource } from './resource-definition.js';
import { groupVersionOf, resourceKey } from './resource-definition.js';

/** A group with its versions, preferred first. */
export interface ServedGroup {
  readonly name: string;
  readonly versions: readonly string[];
}

interface ResourceCatalogOptions {
  readonly table: readonly ResourceDefinition[];
  /** Kubernetes minor version of the cluster, for example 29. */
  readonly minor: number;
  /** The CustomResourceDefinitions that exist now. */
  readonly customDefinitions: () => readonly JsonObject[];
}

/** The resources of a cluster. */
export class ResourceCatalog {
  readonly #builtIn: readonly ServedResource[];
  readonly #customDefinitions: () => readonly JsonObject[];

  constructor(options: ResourceCatalogOptions) {
    const { minor } = options;
    this.#builtIn = options.table.flatMap((definition) =>
      definition.versions
        .filter(({ since = 0, until = Infinity }) => minor >= since && minor <= until)
        .map(({ name }) => served(definition, name)),
    );
    this.#customDefinitions = options.customDefinitions;
  }

  /** Every resource in every version, in the order of discovery. */
  resources(): ServedResource[] {
    const custom = this.#customDefinitions()
      .map(customResource)
      .flatMap((definition) => definition.versions.map(({ name }) => served(definition, name)));
    return [...this.#builtIn, ...custom];
  }

  /** The resources of one group version, by plural name as discovery lists them. */
  resourcesOf(group: string, version: string): ServedResource[] {
    return this.resources()
      .filter((entry) => entry.definition.group === group && entry.version === version)
      .sort((left, right) => (left.definition.plural < right.definition.plural ? -1 : 1));
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.resources().find(
      ({ definition, version: servedVersion }) =>
        definition.group === group && servedVersion === version && definition.plural === plural,
    );
  }

  /** The version in which objects of a resource are stored. */
  storageVersion(key: ResourceKey): ServedResource | undefined {
    return this.resources().find((entry) => entry.key === key);
  }

  /** The resource of a kind, for owner references and manifests. */
  findKind(group: string, kind: string): ServedResource | undefined {
    return this.resources().find(
      ({ definition }) =>
        definition.group === group && definition.kind === kind && definition.access === 'all',
    );
  }

  /** Groups in the order of discovery, the core group ('') included. */
  groups(): ServedGroup[] {
    const groups = new Map<string, string[]>();
    for (const { definition, version } of this.resources()) {
      const versions = groups.get(definition.group) ?? [];
      if (!versions.includes(version)) versions.push(version);
      groups.set(definition.group, versions);
    }
    return [...groups].map(([name, versions]) => ({ name, versions }));
  }
}

function served(definition: ResourceDefinition, version: string): ServedResource {
  return {
    definition,
    version,
    key: resourceKey(definition.group, definition.plural),
    groupVersion: groupVersionOf(definition.group, version),
  };
}
