/** The /openapi/v2 document; openapi-v2-protobuf.ts writes the same document as protobuf. */
import type { JsonObject } from '../objects/json-value.js';
import type { ResourceCatalog } from '../resources/resource-catalog.js';
import type { SchemaCatalog } from '../schemas/schema-definition.js';
import { pathItems } from './path-items.js';
import { schemasOf } from './schema-json.js';
import { isDescribed } from './type-names.js';

/** The whole document for what the cluster serves now. */
export function openapiV2(
  catalog: ResourceCatalog,
  schemas: SchemaCatalog,
  minor: number,
): JsonObject {
  const resources = catalog.resources().filter((resource) => isDescribed(schemas, resource));
  const paths = resources.map((resource) =>
    pathItems({ resource, minor, parameter: queryParameter }),
  );
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: `v1.${minor}.0` },
    paths: Object.assign({}, ...paths) as JsonObject, // Object.assign of JSON objects is one
    definitions: schemasOf(schemas, resources, 'v2'),
  };
}

function queryParameter(name: string, type: string): JsonObject {
  return { name, in: 'query', type, uniqueItems: true };
}
