/**
 * What the demo API knows of a resource: names, versions, verbs, columns. One table of these
 * (resource-table.ts) drives discovery, OpenAPI, routing and table output.
 */
import type { Json } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';

/** `<group>/<plural>`, for example `apps/deployments` or `/pods`: where objects are stored. */
export type ResourceKey = string;

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  /** `name` for the first column, '' otherwise. */
  readonly format: string;
  readonly description: string;
  /** 0 always shown, 1 with -o wide. */
  readonly priority: number;
  readonly cell: (object: KubeObject, now: Date) => Json;
}

/** A version of a group and the Kubernetes minor versions (inclusive) that serve it. */
export interface ResourceVersion {
  readonly name: string;
  readonly since?: number;
  readonly until?: number;
}

/** Names that a subresource may have. */
export type Subresource =
  | 'status'
  | 'scale'
  | 'log'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'eviction'
  | 'token'
  | 'finalize';

/** One row of the resource table. */
export interface ResourceDefinition {
  readonly group: string;
  /** Preferred first; objects are stored in the first one that the cluster serves. */
  readonly versions: readonly ResourceVersion[];
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly isNamespaced: boolean;
  /** `all` for stored objects, `create` for reviews, `read` for computed ones such as metrics. */
  readonly access: 'all' | 'create' | 'read';
  readonly subresources: readonly Subresource[];
  /** Fields for fieldSelector besides metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
  readonly columns: readonly Column[];
}

/** A resource in one version that a cluster serves. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly key: ResourceKey;
  readonly version: string;
  /** `apps/v1`, or `v1` in the core group. */
  readonly groupVersion: string;
}

/** Verbs of discovery for each kind of access. */
export const ACCESS_VERBS: Readonly<Record<ResourceDefinition['access'], readonly string[]>> = {
  all: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  create: ['create'],
  read: ['get', 'list'],
};

/** Verbs of discovery for each subresource. */
export const SUBRESOURCE_VERBS: Readonly<Record<Subresource, readonly string[]>> = {
  status: ['get', 'patch', 'update'],
  scale: ['get', 'patch', 'update'],
  log: ['get'],
  exec: ['create', 'get'],
  attach: ['create', 'get'],
  portforward: ['create', 'get'],
  eviction: ['create'],
  token: ['create'],
  finalize: ['update'],
};

/** Where objects of a group and plural are stored. */
export function resourceKey(group: string, plural: string): ResourceKey {
  return `${group}/${plural}`;
}

/** `apps/v1`, or `v1` in the core group. */
export function groupVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}
