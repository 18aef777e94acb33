/**
 * Turns the type catalogue into JSON schemas, in the dialect of OpenAPI v2 or v3.
 * The dialects differ in where types live and in how a reference carries a description.
 */
import type { JsonObject } from '../objects/json-value.js';
import type { ServedResource } from '../resources/resource-definition.js';
import { kindSchema } from '../schemas/schema-catalog.js';
import type {
  Field,
  FieldType,
  SchemaCatalog,
  SchemaDefinition,
} from '../schemas/schema-definition.js';
import { groupVersionKind, INT_OR_STRING_ID, kindId, QUANTITY_ID } from './type-names.js';

/** Which OpenAPI document the schemas are for. */
export type Dialect = 'v2' | 'v3';

/** Writes the schemas of a set of resources and all they refer to, by id. */
export function schemasOf(
  schemas: SchemaCatalog,
  resources: readonly ServedResource[],
  dialect: Dialect,
): JsonObject {
  const writer = new SchemaWriter(schemas, dialect);
  for (const resource of resources) writer.addKind(resource);
  return writer.finish();
}

class SchemaWriter {
  readonly #written = new Map<string, JsonObject>();

  constructor(
    private readonly schemas: SchemaCatalog,
    private readonly dialect: Dialect,
  ) {}

  addKind(resource: ServedResource): void {
    const { kind, access } = resource.definition;
    const id = kindId(this.schemas, resource);
    const schema = kindSchema(this.schemas, kind);
    this.#written.set(id, {
      ...(schema === undefined ? { type: 'object' } : this.#definition(schema)),
      'x-kubernetes-group-version-kind': [groupVersionKind(resource, kind)],
    });
    if (access === 'create') return;
    const list = this.#definition({
      name: `${kind}List`,
      id: `${id}List`,
      description: `${kind}List is a list of ${kind}`,
      fields: new Map<string, Field>([
        ['apiVersion', field({ kind: 'scalar', type: 'string' })],
        ['kind', field({ kind: 'scalar', type: 'string' })],
        ['metadata', field({ kind: 'reference', name: 'ListMeta' })],
      ]),
    });
    this.#written.set(`${id}List`, {
      ...list,
      properties: {
        ...(list['properties'] as JsonObject), // #definition has just built it
        items: { type: 'array', items: this.#pointer(id) },
      },
      required: ['items'],
      'x-kubernetes-group-version-kind': [groupVersionKind(resource, `${kind}List`)],
    });
  }

  finish(): JsonObject {
    return Object.fromEntries(
      [...this.#written].sort(([left], [right]) => (left < right ? -1 : 1)),
    );
  }

  #definition(schema: SchemaDefinition): JsonObject {
    const fields = [...schema.fields].sort(([left], [right]) => (left < right ? -1 : 1));
    const required = fields.filter(([, entry]) => entry.isRequired).map(([name]) => name);
    const properties = fields.map(([name, entry]) => [name, this.#property(entry)] as const);
    return {
      description: schema.description,
      type: 'object',
      ...(required.length === 0 ? {} : { required }),
      properties: Object.fromEntries(properties),
    };
  }

  #property(entry: Field): JsonObject {
    const strategies = [
      ...(entry.mergeKey === undefined ? [] : ['merge']),
      ...(entry.retainsKeys ? ['retainKeys'] : []),
    ];
    return {
      ...(entry.description === '' ? {} : { description: entry.description }),
      ...this.#type(entry.type),
      ...(entry.mergeKey === undefined || entry.mergeKey === ''
        ? {}
        : { 'x-kubernetes-patch-merge-key': entry.mergeKey }),
      ...(strategies.length === 0 ? {} : { 'x-kubernetes-patch-strategy': strategies.join(',') }),
    };
  }

  #type(type: FieldType): JsonObject {
    switch (type.kind) {
      case 'scalar':
        return { type: type.type, ...(type.format === undefined ? {} : { format: type.format }) };
      case 'any':
        return {};
      case 'object':
        return { type: 'object' };
      case 'list':
        return { type: 'array', items: this.#type(type.items) };
      case 'map':
        return { type: 'object', additionalProperties: this.#type(type.values) };
      case 'quantity':
        return this.#special(QUANTITY_ID, { type: 'string' }, [
          { type: 'string' },
          { type: 'number' },
        ]);
      case 'intOrString':
        return this.#special(INT_OR_STRING_ID, { type: 'string', format: 'int-or-string' }, [
          { type: 'integer' },
          { type: 'string' },
        ]);
      case 'reference':
        return this.#reference(type.name);
    }
  }

  #special(id: string, v2: JsonObject, alternatives: JsonObject[]): JsonObject {
    const { format } = v2;
    const v3 = { ...(format === undefined ? {} : { format }), oneOf: alternatives };
    this.#written.set(id, this.dialect === 'v2' ? v2 : v3);
    return this.#pointer(id);
  }

  #reference(name: string): JsonObject {
    const schema = this.schemas.get(name);
    if (schema === undefined) throw new Error(`demo schema refers to an unknown type "${name}"`);
    if (!this.#written.has(schema.id)) {
      this.#written.set(schema.id, {}); // holds the place while recursive types are written
      this.#written.set(schema.id, this.#definition(schema));
    }
    return this.#pointer(schema.id);
  }

  #pointer(id: string): JsonObject {
    return this.dialect === 'v2'
      ? { $ref: `#/definitions/${id}` }
      : { allOf: [{ $ref: `#/components/schemas/${id}` }], default: {} };
  }
}

function field(type: FieldType): Field {
  return { type, isRequired: false, retainsKeys: false, description: '' };
}
