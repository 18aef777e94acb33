/** JSON Merge Patch (RFC 7396): `application/merge-patch+json`. */
import type { Json, JsonObject } from '../objects/json-value.js';
import { copyJson, dropKey, isJsonObject } from '../objects/json-value.js';

/** The document with the patch applied; neither is changed. */
export function applyMergePatch(document: Json | undefined, patch: Json): Json {
  if (!isJsonObject(patch)) return copyJson(patch);
  const result: JsonObject = isJsonObject(document) ? copyJson(document) : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) dropKey(result, key);
    else result[key] = applyMergePatch(result[key], value);
  }
  return result;
}
