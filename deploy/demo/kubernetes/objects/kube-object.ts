/**
 * What every Kubernetes object has in common: type, metadata, owners.
 * Used by the store, the handlers and the controllers; kinds are described in resources/.
 */
import type { JsonObject } from './json-value.js';
import { listAt, numberAt, stringAt, stringsAt, valueAt } from './json-value.js';

/** A Kubernetes object as stored: JSON with type and metadata. */
export type KubeObject = JsonObject & { apiVersion: string; kind: string; metadata: JsonObject };

/** One entry of metadata.ownerReferences. */
export interface OwnerReference {
  readonly uid: string;
  readonly kind: string;
  readonly name: string;
  readonly isController: boolean;
}

/** metadata.name, '' when absent. */
export function nameOf(object: JsonObject): string {
  return stringAt(object, 'metadata', 'name');
}

/** metadata.namespace, '' for cluster-scoped objects. */
export function namespaceOf(object: JsonObject): string {
  return stringAt(object, 'metadata', 'namespace');
}

/** metadata.uid. */
export function uidOf(object: JsonObject): string {
  return stringAt(object, 'metadata', 'uid');
}

/** metadata.labels. */
export function labelsOf(object: JsonObject): Record<string, string> {
  return stringsAt(object, 'metadata', 'labels');
}

/** metadata.generation. */
export function generationOf(object: JsonObject): number {
  return numberAt(object, 'metadata', 'generation');
}

/** metadata.finalizers. */
export function finalizersOf(object: JsonObject): string[] {
  return listAt(object, 'metadata', 'finalizers').filter((item) => typeof item === 'string');
}

/** True once deletion was asked for and the object waits for finalizers or its grace period. */
export function isTerminating(object: JsonObject): boolean {
  return valueAt(object, 'metadata', 'deletionTimestamp') !== undefined;
}

/** metadata.ownerReferences. */
export function ownersOf(object: JsonObject): OwnerReference[] {
  return listAt(object, 'metadata', 'ownerReferences').map((owner) => ({
    uid: stringAt(owner, 'uid'),
    kind: stringAt(owner, 'kind'),
    name: stringAt(owner, 'name'),
    isController: valueAt(owner, 'controller') === true,
  }));
}

/** True when `owner` controls `object`. */
export function isControlledBy(object: JsonObject, owner: JsonObject): boolean {
  return ownersOf(object).some((entry) => entry.isController && entry.uid === uidOf(owner));
}

/** The ownerReferences entry by which `owner` controls another object. */
export function controllerReference(owner: KubeObject): JsonObject {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: nameOf(owner),
    uid: uidOf(owner),
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** A time as the API writes it: RFC 3339 with whole seconds. */
export function apiTime(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
