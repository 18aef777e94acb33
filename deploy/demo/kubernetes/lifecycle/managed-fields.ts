/**
 * metadata.managedFields: who last set which field. Kept simple: one entry per manager and
 * operation; a writer takes over the fields that it changed. Used by every write and by
 * server-side apply.
 */
import type { Cluster } from '../cluster.js';
import type { JsonObject } from '../objects/json-value.js';
import { equalJson, isJsonObject, listAt, objectAt, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { apiTime } from '../objects/kube-object.js';
import { kindSchema } from '../schemas/schema-catalog.js';
import type { FieldSet } from './field-set.js';
import { FieldSetReader, pathsOf, setOfPaths, valueOfPath, withoutPaths } from './field-set.js';

/** One entry of managedFields. */
export interface ManagedEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string;
  readonly fields: FieldSet;
  readonly raw: JsonObject;
}

/** The entries of an object. */
export function managedEntries(object: JsonObject): ManagedEntry[] {
  return listAt(object, 'metadata', 'managedFields')
    .filter(isJsonObject)
    .map((raw) => ({
      manager: stringAt(raw, 'manager'),
      operation: raw['operation'] === 'Apply' ? 'Apply' : 'Update',
      subresource: stringAt(raw, 'subresource'),
      fields: objectAt(raw, 'fieldsV1'),
      raw,
    }));
}

/** Every manageable field of an object. */
export function fieldsOf(cluster: Cluster, object: KubeObject): FieldSet {
  const schema = kindSchema(cluster.schemas, object.kind);
  return new FieldSetReader(cluster.schemas).ofObject(object, schema?.fields);
}

/** What is new or different in `object` compared with `previous`. */
function changedFields(
  cluster: Cluster,
  object: KubeObject,
  previous: KubeObject | undefined,
): FieldSet {
  const paths = pathsOf(fieldsOf(cluster, object));
  if (previous === undefined) return setOfPaths(paths);
  return setOfPaths(
    paths.filter((path) => {
      const before = valueOfPath(previous, path);
      // An item mark counts only when the item is new; its contents have paths of their own.
      return path.at(-1) === '.'
        ? before === undefined
        : !equalJson(before, valueOfPath(object, path));
    }),
  );
}

/** Records an update: the manager owns what it changed, others lose it. Changes `object` in place. */
export function recordUpdate(
  cluster: Cluster,
  object: KubeObject,
  previous: KubeObject | undefined,
  writer: { manager: string; subresource: string },
): void {
  const changed = changedFields(cluster, object, previous);
  if (pathsOf(changed).length === 0 && previous !== undefined) return;
  const entries = managedEntries(object);
  const isSame = (entry: ManagedEntry) =>
    entry.operation === 'Update' &&
    entry.manager === writer.manager &&
    entry.subresource === writer.subresource;
  const mine = entries.find(isSame);
  const others = entries.filter((entry) => !isSame(entry));
  const owned = setOfPaths([
    ...(mine === undefined ? [] : pathsOf(mine.fields)),
    ...pathsOf(changed),
  ]);
  object.metadata['managedFields'] = [
    ...withoutFields(others, changed),
    entryBody(cluster, object, { ...writer, operation: 'Update', fields: owned }),
  ];
}

/** The entries as JSON, without the given fields; entries left empty are dropped. */
export function withoutFields(entries: readonly ManagedEntry[], fields: FieldSet): JsonObject[] {
  return entries
    .map((entry) => ({ ...entry.raw, fieldsV1: withoutPaths(entry.fields, fields) }))
    .filter((entry) => pathsOf(entry.fieldsV1).length > 0);
}

/** One entry as JSON. */
export function entryBody(
  cluster: Cluster,
  object: KubeObject,
  entry: Pick<ManagedEntry, 'manager' | 'operation' | 'subresource' | 'fields'>,
): JsonObject {
  return {
    manager: entry.manager,
    operation: entry.operation,
    apiVersion: object.apiVersion,
    time: apiTime(cluster.now()),
    fieldsType: 'FieldsV1',
    fieldsV1: entry.fields,
    ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  };
}
