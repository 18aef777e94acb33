/** JSON Patch (RFC 6902) on the demo's objects: `application/json-patch+json`. */
import type { Json } from '../objects/json-value.js';
import {
  copyJson,
  dropKey,
  equalJson,
  isJsonObject,
  stringAt,
  valueAt,
} from '../objects/json-value.js';
import { badRequest, StatusError } from '../status-error.js';

/** Applies all operations to a copy and returns it. Throws 400 for no patch, 422 for one that fails. */
export function applyJsonPatch(document: Json, patch: Json): Json {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is a list of operations');
  return patch.reduce<Json>(applyOperation, copyJson(document));
}

function applyOperation(document: Json, operation: Json): Json {
  const path = pointer(stringAt(operation, 'path'));
  const value = valueAt(operation, 'value');
  switch (stringAt(operation, 'op')) {
    case 'add':
      return set(document, path, value ?? null, true);
    case 'replace':
      read(document, path);
      return set(document, path, value ?? null, false);
    case 'remove':
      return remove(document, path);
    case 'test':
      if (equalJson(readOptional(document, path), value)) return document;
      throw rejected(`testing path ${stringAt(operation, 'path')} failed`);
    case 'copy':
      return set(
        document,
        path,
        copyJson(read(document, pointer(stringAt(operation, 'from')))),
        true,
      );
    case 'move': {
      const from = pointer(stringAt(operation, 'from'));
      const moved = read(document, from);
      return set(remove(document, from), path, moved, true);
    }
    default:
      throw badRequest(`unknown JSON patch operation "${stringAt(operation, 'op')}"`);
  }
}

function pointer(text: string): string[] {
  return text
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readOptional(document: Json, path: readonly string[]): Json | undefined {
  let current: Json | undefined = document;
  for (const key of path) {
    if (Array.isArray(current)) current = current[Number(key)];
    else if (isJsonObject(current)) current = current[key];
    else return undefined;
  }
  return current;
}

function read(document: Json, path: readonly string[]): Json {
  const value = readOptional(document, path);
  if (value === undefined) throw rejected(`missing value at /${path.join('/')}`);
  return value;
}

function set(document: Json, path: readonly string[], value: Json, isAdd: boolean): Json {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (isJsonObject(parent)) {
    parent[last] = value;
  } else if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!(index >= 0 && index <= parent.length)) throw rejected(`index ${last} is out of range`);
    parent.splice(index, isAdd ? 0 : 1, value);
  } else {
    throw rejected(`nothing can be set at /${path.join('/')}`);
  }
  return document;
}

function remove(document: Json, path: readonly string[]): Json {
  read(document, path);
  const parent = read(document, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isJsonObject(parent)) dropKey(parent, last);
  return document;
}

function rejected(why: string): StatusError {
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `the server rejected our request due to an error in our request: ${why}`,
    details: {},
  });
}
