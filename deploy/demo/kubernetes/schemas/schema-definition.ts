/**
 * The compact notation in which the demo API's types are written, and what it parses to.
 * OpenAPI v2 and v3, field validation, strategic merge and managed fields all read the result,
 * so that a field is described once.
 *
 * A field is `name: 'TYPE MARKS'`. TYPE is `string int32 int64 number boolean any object time
 * quantity intOrString bytes`, the name of another definition, `[T]` a list or `{T}` a map.
 * MARKS: `!` required, `@key` lists merge by that key, `@` lists of scalars merge,
 * `~` retainKeys, `#N` the field's number in Kubernetes' protobuf form, `| text` a description.
 */

/** The type of a field. */
export type FieldType =
  | { readonly kind: 'scalar'; readonly type: string; readonly format?: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'object' }
  | { readonly kind: 'intOrString' }
  | { readonly kind: 'quantity' }
  | { readonly kind: 'list'; readonly items: FieldType }
  | { readonly kind: 'map'; readonly values: FieldType }
  | { readonly kind: 'reference'; readonly name: string };

/** One field of a definition. */
export interface Field {
  readonly type: FieldType;
  readonly isRequired: boolean;
  /** How strategic merge treats a list: by this key, '' for scalars, undefined to replace it. */
  readonly mergeKey?: string;
  /** True when `$retainKeys` is part of the patch strategy. */
  readonly retainsKeys: boolean;
  /** Number in the generated.proto of the type's package, for kinds that kubectl sends as protobuf. */
  readonly protobufNumber?: number;
  readonly description: string;
}

/** A named type with its fields. */
export interface SchemaDefinition {
  /** Short name, unique in the catalogue, for example `Container`. */
  readonly name: string;
  /** Full OpenAPI id, for example `io.k8s.api.core.v1.Container`. */
  readonly id: string;
  readonly description: string;
  readonly fields: ReadonlyMap<string, Field>;
}

/** Definitions by short name. */
export type SchemaCatalog = ReadonlyMap<string, SchemaDefinition>;

/** Source of one package: description and fields of each type. */
export type SchemaSource = Readonly<
  Record<string, readonly [description: string, fields: Readonly<Record<string, string>>]>
>;

/** Parses the types of one package such as `io.k8s.api.core.v1`. Throws on a malformed field. */
export function parseSchemas(packageName: string, source: SchemaSource): SchemaDefinition[] {
  return Object.entries(source).map(([name, [description, fields]]) => ({
    name,
    id: `${packageName}.${name}`,
    description,
    fields: new Map(Object.entries(fields).map(([key, text]) => [key, parseField(text)])),
  }));
}

const SCALARS: Readonly<Record<string, FieldType>> = {
  string: { kind: 'scalar', type: 'string' },
  bytes: { kind: 'scalar', type: 'string', format: 'byte' },
  time: { kind: 'scalar', type: 'string', format: 'date-time' },
  int32: { kind: 'scalar', type: 'integer', format: 'int32' },
  int64: { kind: 'scalar', type: 'integer', format: 'int64' },
  number: { kind: 'scalar', type: 'number', format: 'double' },
  boolean: { kind: 'scalar', type: 'boolean' },
  any: { kind: 'any' },
  object: { kind: 'object' },
  quantity: { kind: 'quantity' },
  intOrString: { kind: 'intOrString' },
};

function parseField(text: string): Field {
  const match = /^(\S+?)(!?)(?:@(\w*))?(~?)(?:\s*#(\d+))?(?:\s*\|\s*(.*))?$/.exec(text.trim());
  if (!match) throw new Error(`malformed field in a demo schema: "${text}"`);
  const [, type = '', required, mergeKey, retain, number, description = ''] = match;
  return {
    type: parseType(type),
    isRequired: required === '!',
    ...(mergeKey === undefined ? {} : { mergeKey }),
    retainsKeys: retain === '~',
    ...(number === undefined ? {} : { protobufNumber: Number(number) }),
    description,
  };
}

function parseType(text: string): FieldType {
  if (text.startsWith('[')) return { kind: 'list', items: parseType(text.slice(1, -1)) };
  if (text.startsWith('{')) return { kind: 'map', values: parseType(text.slice(1, -1)) };
  return SCALARS[text] ?? { kind: 'reference', name: text };
}
