/** The /openapi/v3 documents: one per group version; kubectl 1.27 and newer validate and explain by them. */
import type { JsonObject } from '../objects/json-value.js';
import type { ResourceCatalog } from '../resources/resource-catalog.js';
import type { SchemaCatalog } from '../schemas/schema-definition.js';
import { pathItems } from './path-items.js';
import { schemasOf } from './schema-json.js';
import { isDescribed } from './type-names.js';

/** Paths of the index, for example `api/v1` and `apis/apps/v1`, with their group and version. */
export function openapiV3Paths(
  catalog: ResourceCatalog,
): { path: string; group: string; version: string }[] {
  return catalog.groups().flatMap(({ name, versions }) =>
    versions.map((version) => ({
      path: name === '' ? `api/${version}` : `apis/${name}/${version}`,
      group: name,
      version,
    })),
  );
}

/** The document of one group version. */
export function openapiV3(
  catalog: ResourceCatalog,
  schemas: SchemaCatalog,
  scope: { group: string; version: string; minor: number },
): JsonObject {
  const resources = catalog
    .resourcesOf(scope.group, scope.version)
    .filter((resource) => isDescribed(schemas, resource));
  const paths = resources.map((resource) =>
    pathItems({ resource, minor: scope.minor, parameter: queryParameter }),
  );
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: `v1.${scope.minor}.0` },
    paths: Object.assign({}, ...paths) as JsonObject, // Object.assign of JSON objects is one
    components: { schemas: schemasOf(schemas, resources, 'v3') },
  };
}

function queryParameter(name: string, type: string): JsonObject {
  return { name, in: 'query', schema: { type, uniqueItems: true } };
}
