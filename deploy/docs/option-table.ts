/**
 * The options of a configuration file as a Markdown table: name, default, values, meaning. Reads them
 * from the zod schema that checks the file, so that the pages cannot say anything else. Used by
 * configuration-page.ts and limits-page.ts.
 */
import { z } from 'zod';
import { tableOf } from './markdown-table.js';
import { quantityText } from './quantity-text.js';

/** One option; `name` is its path below the top of the file, such as `caConfig.caCertFile`. */
export interface OptionRow {
  readonly name: string;
  /** As JSON; undefined when there is none. */
  readonly defaultValue: unknown;
  readonly isRequired: boolean;
  /** `integer, 1 to 65535`. */
  readonly values: string;
  readonly meaning: string;
}

/** The part of JSON Schema that zod writes for our options. */
export interface OptionSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, OptionSchema>>;
  readonly required?: readonly string[];
  readonly items?: OptionSchema;
  readonly anyOf?: readonly OptionSchema[];
}

/** A zod schema as JSON Schema of what people write (not of what parsing makes of it). */
export function optionSchema(schema: z.ZodType): OptionSchema {
  // a subset of the draft that zod emits
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as OptionSchema;
}

/** The options of a mapping, nested ones with their path; those named in `without` are left out. */
export function optionRows(schema: OptionSchema, without: ReadonlySet<string>): OptionRow[] {
  return rowsBelow(schema, '').filter(({ name }) => !isWithin(name, without));
}

/** The rows as a table. */
export function optionTable(rows: readonly OptionRow[]): string {
  return tableOf(
    ['option', 'default', 'values', 'meaning'],
    rows.map((row) => [`\`${row.name}\``, defaultText(row), row.values, row.meaning]),
  );
}

function rowsBelow(schema: OptionSchema, prefix: string): OptionRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, option]) => {
    const name = prefix + key;
    if (option.properties !== undefined) return rowsBelow(option, `${name}.`);
    if (option.items?.properties !== undefined) {
      return [rowOf(name, option, schema, key), ...rowsBelow(option.items, `${name}[].`)];
    }
    return [rowOf(name, option, schema, key)];
  });
}

function rowOf(name: string, option: OptionSchema, parent: OptionSchema, key: string): OptionRow {
  return {
    name,
    // switches are false unless they are set; zod does not show a default behind a preprocessor
    defaultValue: option.type === 'boolean' ? (option.default ?? false) : option.default,
    isRequired: parent.required?.includes(key) ?? false,
    values: valuesText(name, option),
    meaning: option.description ?? '',
  };
}

function defaultText({ name, defaultValue, isRequired }: OptionRow): string {
  if (isRequired) return '**required**';
  if (defaultValue === undefined || defaultValue === '') return 'not set';
  if (typeof defaultValue === 'number') return quantityText(name, defaultValue);
  return `\`${JSON.stringify(defaultValue).replace(/^"(.*)"$/, '$1')}\``;
}

function valuesText(name: string, option: OptionSchema): string {
  if (option.enum !== undefined) return option.enum.map((word) => `\`${word}\``).join(', ');
  if (option.type === 'boolean') return '`true`, `false`';
  if (option.type === 'array') return 'list';
  if (option.type === 'object') return 'mapping';
  if (option.minimum === undefined || option.maximum === undefined) return 'text';
  return `${quantityText(name, option.minimum)} to ${quantityText(name, option.maximum)}`;
}

/** Whether an option, or something that it is part of, is one of `names`. */
function isWithin(name: string, names: ReadonlySet<string>): boolean {
  const parts = name.split('.');
  return parts.some((_, end) =>
    names.has(
      parts
        .slice(0, end + 1)
        .join('.')
        .replace(/\[\]$/, ''),
    ),
  );
}
