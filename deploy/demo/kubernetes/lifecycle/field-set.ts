/**
 * Sets of fields in the form of managedFields (`f:` names, `k:` keys of list items, `v:` values):
 * taking them from objects, comparing and combining them. Used by managed-fields.ts and
 * server-side apply. Source: sigs.k8s.io/structured-merge-diff fieldpath.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import { dropKey, equalJson, isJsonObject, objectAt, valueAt } from '../objects/json-value.js';
import { fieldsOfType } from '../schemas/schema-catalog.js';
import type { Field, FieldType, SchemaCatalog } from '../schemas/schema-definition.js';

/** A tree of fields; `.` marks the item itself, an empty object a leaf. */
export type FieldSet = JsonObject;

/** Fields that managedFields never mention. */
const UNMANAGED = new Set(['apiVersion', 'kind']);
const UNMANAGED_METADATA = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'generation',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]);

/** Walks an object as its schema describes it. */
export class FieldSetReader {
  constructor(private readonly schemas: SchemaCatalog) {}

  /** Every field of an object that can be managed. */
  ofObject(object: JsonObject, fields: ReadonlyMap<string, Field> | undefined): FieldSet {
    const set: FieldSet = {};
    for (const [key, value] of Object.entries(object)) {
      if (UNMANAGED.has(key)) continue;
      if (key === 'metadata') {
        const kept = Object.entries(objectAt(value)).filter(
          ([name]) => !UNMANAGED_METADATA.has(name),
        );
        const metadata = this.#ofFields(
          Object.fromEntries(kept),
          this.schemas.get('ObjectMeta')?.fields,
        );
        if (Object.keys(metadata).length > 0) set['f:metadata'] = metadata;
      } else {
        set[`f:${key}`] = this.#ofValue(value, fields?.get(key));
      }
    }
    return set;
  }

  #ofFields(object: JsonObject, fields: ReadonlyMap<string, Field> | undefined): FieldSet {
    return Object.fromEntries(
      Object.entries(object).map(([key, value]) => [
        `f:${key}`,
        this.#ofValue(value, fields?.get(key)),
      ]),
    );
  }

  #ofValue(value: Json, field: Field | undefined): FieldSet {
    const type = field?.type;
    if (isJsonObject(value)) {
      if (Object.keys(value).length === 0) return {};
      const nested = this.#ofFields(value, fieldsOfType(this.schemas, type));
      return type?.kind === 'map' ? { '.': {}, ...nested } : nested;
    }
    if (!Array.isArray(value) || field?.mergeKey === undefined) return {};
    const key = field.mergeKey;
    const items = value.map((item): [string, FieldSet] => {
      if (key === '') return [`v:${JSON.stringify(item)}`, {}];
      return [itemKey(item, key), { '.': {}, ...this.#ofItem(item, itemType(type)) }];
    });
    return { '.': {}, ...Object.fromEntries(items) };
  }

  #ofItem(item: Json, type: FieldType | undefined): FieldSet {
    return isJsonObject(item) ? this.#ofFields(item, fieldsOfType(this.schemas, type)) : {};
  }
}

/** The `k:` name of a list item. */
function itemKey(item: Json, key: string): string {
  const names: JsonObject = { [key]: valueAt(item, key) ?? null };
  // Container ports are told apart by port and protocol.
  if (key === 'containerPort' || key === 'port')
    names['protocol'] = valueAt(item, 'protocol') ?? 'TCP';
  return `k:${JSON.stringify(names)}`;
}

function itemType(type: FieldType | undefined): FieldType | undefined {
  return type?.kind === 'list' ? type.items : undefined;
}

/** The paths of a set's leaves and item marks, each as a list of keys. */
export function pathsOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const entries = Object.entries(set);
  if (entries.length === 0) return prefix.length === 0 ? [] : [[...prefix]];
  return entries.flatMap(([key, nested]) => pathsOf(objectAt(nested), [...prefix, key]));
}

/** The set with these paths. */
export function setOfPaths(paths: readonly (readonly string[])[]): FieldSet {
  const set: FieldSet = {};
  for (const path of paths) {
    let current = set;
    for (const key of path) {
      const next = current[key];
      const nested = isJsonObject(next) ? next : {};
      current[key] = nested;
      current = nested;
    }
  }
  return set;
}

/** Paths of `left` that are not in `right`. */
export function withoutPaths(left: FieldSet, right: FieldSet): FieldSet {
  const removed = new Set(pathsOf(right).map(pathText));
  return setOfPaths(pathsOf(left).filter((path) => !removed.has(pathText(path))));
}

/** A path as one comparable text. */
export function pathText(path: readonly string[]): string {
  return path.join('\u0000');
}

/** A path in the words of a conflict message: `.spec.containers[name="web"].image`. */
export function pathWords(path: readonly string[]): string {
  return path
    .filter((key) => key !== '.')
    .map((key) => {
      const rest = key.slice(2);
      if (key.startsWith('f:')) return `.${rest}`;
      if (key.startsWith('v:')) return `[=${rest}]`;
      const names = Object.entries(objectAt(JSON.parse(rest) as Json)); // written by itemKey
      return `[${names.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

/** The value that a path points at in an object; undefined when it is not there. */
export function valueOfPath(object: Json | undefined, path: readonly string[]): Json | undefined {
  let current = object;
  for (const key of path) {
    if (key === '.') return current;
    if (key.startsWith('f:')) {
      current = valueAt(current, key.slice(2));
    } else if (Array.isArray(current)) {
      const index = indexOfItem(current, key);
      current = index < 0 ? undefined : current[index];
    } else {
      return undefined;
    }
  }
  return current;
}

/** Removes what a path points at, in place. */
export function removePath(object: JsonObject, path: readonly string[]): void {
  const parentPath = path.slice(0, path.at(-1) === '.' ? -2 : -1);
  const last = path.at(path.at(-1) === '.' ? -2 : -1);
  const parent = valueOfPath(object, parentPath);
  if (last === undefined) return;
  if (Array.isArray(parent)) {
    const index = indexOfItem(parent, last);
    if (index >= 0) parent.splice(index, 1);
  } else if (isJsonObject(parent)) {
    dropKey(parent, last.slice(2));
  }
}

function indexOfItem(list: readonly Json[], key: string): number {
  const wanted = JSON.parse(key.slice(2)) as Json; // written by itemKey or from a value
  if (key.startsWith('v:')) return list.findIndex((item) => equalJson(item, wanted));
  const names = Object.entries(objectAt(wanted));
  return list.findIndex((item) =>
    names.every(([name, value]) =>
      equalJson(valueAt(item, name) ?? (name === 'protocol' ? 'TCP' : undefined), value),
    ),
  );
}
