/**
 * Server-side apply: `application/apply-patch+yaml`. The applied fields are merged in, fields that
 * the manager applied before and now leaves out are removed, and fields of other managers with
 * another value are conflicts unless `force` is set.
 */
import type { Cluster } from '../cluster.js';
import type { FieldSet } from '../lifecycle/field-set.js';
import {
  pathsOf,
  pathText,
  pathWords,
  removePath,
  setOfPaths,
  valueOfPath,
} from '../lifecycle/field-set.js';
import type { ManagedEntry } from '../lifecycle/managed-fields.js';
import { entryBody, fieldsOf, managedEntries, withoutFields } from '../lifecycle/managed-fields.js';
import type { JsonObject } from '../objects/json-value.js';
import { copyJson, equalJson, isJsonObject, stringAt, without } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { applyConflict } from '../status-error.js';
import { applyStrategicMergePatch } from './strategic-merge-patch.js';

/** Who applies what. */
export interface Application {
  readonly manager: string;
  readonly isForced: boolean;
  readonly subresource: string;
  /** The applied configuration with type and name. */
  readonly config: KubeObject;
}

/** The object after the application, managedFields included. Throws a 409 StatusError on conflicts. */
export function applyServerSide(
  cluster: Cluster,
  current: KubeObject | undefined,
  application: Application,
): KubeObject {
  const { config, manager, subresource } = application;
  const applied = fieldsOf(cluster, config);
  const entries = current === undefined ? [] : managedEntries(current);
  const isMine = (entry: ManagedEntry) =>
    entry.operation === 'Apply' && entry.manager === manager && entry.subresource === subresource;
  const others = entries.filter((entry) => !isMine(entry));
  const contested = current === undefined ? [] : contestedPaths(current, config, applied, others);
  if (contested.length > 0 && !application.isForced) throw conflictOf(contested);

  const base: JsonObject = current === undefined ? {} : copyJson(current);
  const mine = entries.find(isMine);
  if (mine !== undefined) removeAbandoned(base, mine.fields, applied, others);
  const merged = applyStrategicMergePatch(
    cluster.schemas,
    config.kind,
    base,
    withoutManagedFields(config),
  );
  const metadata = isJsonObject(merged['metadata']) ? merged['metadata'] : {};
  // Type and name come from the configuration.
  const object: KubeObject = {
    ...merged,
    apiVersion: config.apiVersion,
    kind: config.kind,
    metadata,
  };
  const lost = setOfPaths(contested.map(({ path }) => path));
  metadata['managedFields'] = [
    ...withoutFields(others, lost),
    entryBody(cluster, config, { manager, operation: 'Apply', subresource, fields: applied }),
  ];
  return object;
}

interface ContestedPath {
  readonly path: string[];
  readonly owner: string;
}

function contestedPaths(
  current: KubeObject,
  config: KubeObject,
  applied: FieldSet,
  others: readonly ManagedEntry[],
): ContestedPath[] {
  const changed = pathsOf(applied).filter(
    (path) =>
      path.at(-1) !== '.' && !equalJson(valueOfPath(current, path), valueOfPath(config, path)),
  );
  return others.flatMap((entry) => {
    const owned = new Set(pathsOf(entry.fields).map(pathText));
    const owner = `"${entry.manager}" using ${stringAt(entry.raw, 'apiVersion')}`;
    return changed.filter((path) => owned.has(pathText(path))).map((path) => ({ path, owner }));
  });
}

function conflictOf(contested: readonly ContestedPath[]): Error {
  return applyConflict(contested.map(({ path, owner }) => ({ field: pathWords(path), owner })));
}

/** Removes what this manager applied before, applies no more, and nobody else owns. */
function removeAbandoned(
  object: JsonObject,
  before: FieldSet,
  applied: FieldSet,
  others: readonly ManagedEntry[],
): void {
  const kept = new Set(pathsOf(applied).map(pathText));
  for (const entry of others) {
    for (const path of pathsOf(entry.fields)) kept.add(pathText(path));
  }
  const abandoned = pathsOf(before).filter((path) => !kept.has(pathText(path)));
  // Whole list items (marked '.') first: their fields go with them.
  abandoned.sort((left, right) => Number(right.at(-1) === '.') - Number(left.at(-1) === '.'));
  for (const path of abandoned) {
    const isMark = path.at(-1) === '.';
    if (isMark && !path.at(-2)?.startsWith('k:')) continue;
    removePath(object, path);
  }
}

function withoutManagedFields(config: KubeObject): JsonObject {
  return { ...config, metadata: without(config.metadata, 'managedFields') };
}
