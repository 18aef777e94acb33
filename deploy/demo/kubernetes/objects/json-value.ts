/**
 * JSON values as types, and reading them without casts.
 * Everything the demo API stores or answers is one of these; a missing path reads as absent or empty.
 * What a Kubernetes object looks like is left to kube-object.ts.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = Record<string, Json>;

/** True for an object that is neither null nor a list. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys, undefined where any step is missing. */
export function valueAt(value: Json | undefined, ...path: string[]): Json | undefined {
  let current = value;
  for (const key of path) {
    if (!isJsonObject(current)) return undefined;
    current = current[key];
  }
  return current;
}

/** The object at a path; an empty, unconnected one where there is none. */
export function objectAt(value: Json | undefined, ...path: string[]): JsonObject {
  const found = valueAt(value, ...path);
  return isJsonObject(found) ? found : {};
}

/** The list at a path; empty where there is none. */
export function listAt(value: Json | undefined, ...path: string[]): Json[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The string at a path; '' where there is none. */
export function stringAt(value: Json | undefined, ...path: string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** The number at a path; 0 where there is none. */
export function numberAt(value: Json | undefined, ...path: string[]): number {
  const found = valueAt(value, ...path);
  return typeof found === 'number' ? found : 0;
}

/** The string values of the object at a path, for example labels. */
export function stringsAt(value: Json | undefined, ...path: string[]): Record<string, string> {
  const strings: Record<string, string> = {};
  for (const [key, entry] of Object.entries(objectAt(value, ...path))) {
    if (typeof entry === 'string') strings[key] = entry;
  }
  return strings;
}

/** The object at a path inside `parent`, created when missing, so that it can be written to. */
export function ensureObject(parent: JsonObject, ...path: string[]): JsonObject {
  let current = parent;
  for (const key of path) {
    const next = current[key];
    if (isJsonObject(next)) {
      current = next;
    } else {
      const created: JsonObject = {};
      current[key] = created;
      current = created;
    }
  }
  return current;
}

/** The object without some of its keys. */
export function without(object: JsonObject, ...keys: string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** Removes a key in place. */
export function dropKey(object: JsonObject, key: string): void {
  Reflect.deleteProperty(object, key);
}

/** A scalar as text; '' for what is absent or no scalar. */
export function textOf(value: Json | undefined): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}

/** A deep copy. */
export function copyJson<T extends Json>(value: T): T {
  return structuredClone(value);
}

/** Deep equality; the order of keys does not matter, the order of lists does. */
export function equalJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => equalJson(item, right[index]));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => key in right && equalJson(left[key], right[key]));
}

/** Parses JSON text. Throws SyntaxError. */
export function parseJson(text: string): Json {
  // JSON.parse yields exactly the values of Json, only its declared type is wider.
  return JSON.parse(text) as Json;
}
