/**
 * Names under which types appear in the OpenAPI documents, and the group-version-kinds that each
 * stands for. Shared by both document versions.
 */
import type { JsonObject } from '../objects/json-value.js';
import type { ServedResource } from '../resources/resource-definition.js';
import type { SchemaCatalog } from '../schemas/schema-definition.js';

/** Id of the quantity type. */
export const QUANTITY_ID = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
/** Id of the int-or-string type. */
export const INT_OR_STRING_ID = 'io.k8s.apimachinery.pkg.util.intstr.IntOrString';

/** The id of a kind in one version: the schema's package with that version, or the reversed group. */
export function kindId(schemas: SchemaCatalog, resource: ServedResource): string {
  const { group, kind } = resource.definition;
  const schema = schemas.get(kind);
  if (schema === undefined) {
    return [...group.split('.').reverse(), resource.version, kind].join('.');
  }
  const parts = schema.id.split('.');
  parts[parts.length - 2] = resource.version;
  return parts.join('.');
}

/** The x-kubernetes-group-version-kind of a resource. */
export function groupVersionKind(resource: ServedResource, kind: string): JsonObject {
  return { group: resource.definition.group, kind, version: resource.version };
}

/** Whether a resource has an entry in the OpenAPI documents. */
export function isDescribed(schemas: SchemaCatalog, resource: ServedResource): boolean {
  const { kind, access } = resource.definition;
  return schemas.has(kind) || access === 'all';
}
