/**
 * Compares a written object with the schema of its kind: wrong types are refused, unknown fields
 * are reported and dropped, as the apiserver's decoder and its field validation do.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import { isJsonObject } from '../objects/json-value.js';
import type { Field, FieldType, SchemaCatalog, SchemaDefinition } from './schema-definition.js';
import { fieldsOfType } from './schema-catalog.js';

/** What the comparison found. */
export interface SchemaCheck {
  /** The object without its unknown fields. */
  readonly object: JsonObject;
  /** Dotted paths of unknown fields. */
  readonly unknownFields: readonly string[];
  /** What is wrong with a field's type, in the words of Go's decoder. */
  readonly typeErrors: readonly string[];
}

/** Checks a whole object. Nothing is thrown; the caller decides what is refused. */
export function checkSchema(
  catalog: SchemaCatalog,
  schema: SchemaDefinition,
  object: JsonObject,
): SchemaCheck {
  const check = new Check(catalog);
  const checked = check.fields(schema.fields, object, '', schema.name);
  return { object: checked, unknownFields: check.unknownFields, typeErrors: check.typeErrors };
}

class Check {
  readonly unknownFields: string[] = [];
  readonly typeErrors: string[] = [];

  constructor(private readonly catalog: SchemaCatalog) {}

  fields(
    fields: ReadonlyMap<string, Field>,
    object: JsonObject,
    path: string,
    owner: string,
  ): JsonObject {
    const known: JsonObject = {};
    for (const [key, value] of Object.entries(object)) {
      const field = fields.get(key);
      const fieldPath = path === '' ? key : `${path}.${key}`;
      // Null means "not set" to the apiserver's decoder; kubectl sends creationTimestamp so.
      if (value === null) continue;
      if (field === undefined) this.unknownFields.push(fieldPath);
      else known[key] = this.value(field.type, value, fieldPath, owner);
    }
    return known;
  }

  value(type: FieldType, value: Json, path: string, owner: string): Json {
    switch (type.kind) {
      case 'reference': {
        const fields = fieldsOfType(this.catalog, type);
        if (fields === undefined) return value;
        if (!isJsonObject(value)) return this.wrong(value, path, `v1.${type.name}`, owner);
        return this.fields(fields, value, path, type.name);
      }
      case 'list':
        if (!Array.isArray(value)) return this.wrong(value, path, '[]', owner);
        return value.map((item, index) => this.value(type.items, item, `${path}[${index}]`, owner));
      case 'map':
        if (!isJsonObject(value)) return this.wrong(value, path, 'map[string]', owner);
        return Object.fromEntries(
          Object.entries(value).map(([key, entry]) => [
            key,
            entry === null ? null : this.value(type.values, entry, `${path}.${key}`, owner),
          ]),
        );
      case 'scalar':
        return isScalar(type.type, value) ? value : this.wrong(value, path, goType(type), owner);
      case 'object':
        return isJsonObject(value) ? value : this.wrong(value, path, 'struct', owner);
      case 'any':
      case 'intOrString':
      case 'quantity':
        return value;
    }
  }

  private wrong(value: Json, path: string, expected: string, owner: string): Json {
    const actual = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    const kind = actual === 'boolean' ? 'bool' : actual;
    this.typeErrors.push(
      `json: cannot unmarshal ${kind} into Go struct field ${owner}.${path} of type ${expected}`,
    );
    return value;
  }
}

function isScalar(type: string, value: Json): boolean {
  if (type === 'integer') return typeof value === 'number' && Number.isInteger(value);
  return typeof value === type;
}

function goType(type: { readonly type: string; readonly format?: string }): string {
  if (type.type === 'integer') return type.format ?? 'int64';
  return type.type === 'boolean' ? 'bool' : type.type;
}
