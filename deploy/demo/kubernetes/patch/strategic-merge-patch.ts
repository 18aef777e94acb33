/**
 * Strategic merge patch: `application/strategic-merge-patch+json`, what `kubectl apply`, `patch`
 * and `set` send for built-in kinds. Lists with a merge key in the schema are merged by it.
 * Source: k8s.io/apimachinery/pkg/util/strategicpatch.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import { copyJson, dropKey, equalJson, isJsonObject, valueAt } from '../objects/json-value.js';
import { fieldsOfType, kindSchema } from '../schemas/schema-catalog.js';
import type { Field, SchemaCatalog } from '../schemas/schema-definition.js';

type Fields = ReadonlyMap<string, Field> | undefined;

const ORDER_PREFIX = '$setElementOrder/';
const DELETE_PREFIX = '$deleteFromPrimitiveList/';

/** The object with the patch applied; neither is changed. */
export function applyStrategicMergePatch(
  schemas: SchemaCatalog,
  kind: string,
  object: JsonObject,
  patch: JsonObject,
): JsonObject {
  return new StrategicMerge(schemas).objects(object, patch, kindSchema(schemas, kind)?.fields);
}

class StrategicMerge {
  constructor(private readonly schemas: SchemaCatalog) {}

  objects(original: JsonObject, patch: JsonObject, fields: Fields): JsonObject {
    if (patch['$patch'] === 'delete') return {};
    const result = patch['$patch'] === 'replace' ? {} : copyJson(original);
    const retained = patch['$retainKeys'];
    if (Array.isArray(retained)) {
      for (const key of Object.keys(result)) {
        if (!retained.includes(key)) dropKey(result, key);
      }
    }
    for (const [key, value] of Object.entries(patch)) {
      if (key.startsWith(DELETE_PREFIX)) {
        this.#deleteScalars(result, key.slice(DELETE_PREFIX.length), value);
      } else if (!key.startsWith('$')) {
        this.#field(result, key, value, fields?.get(key), patch[ORDER_PREFIX + key]);
      }
    }
    return this.#reorderUntouched(result, patch, fields);
  }

  #field(
    result: JsonObject,
    key: string,
    value: Json,
    field: Field | undefined,
    order: Json | undefined,
  ): void {
    if (value === null) {
      dropKey(result, key);
      return;
    }
    const current = result[key];
    if (isJsonObject(value)) {
      if (value['$patch'] === 'delete') {
        dropKey(result, key);
        return;
      }
      const nested = fieldsOfType(this.schemas, field?.type);
      result[key] = this.objects(isJsonObject(current) ? current : {}, value, nested);
    } else if (Array.isArray(value) && field?.mergeKey !== undefined) {
      const merged = this.#lists(Array.isArray(current) ? current : [], value, field);
      result[key] = reordered(merged, order, field.mergeKey);
    } else {
      result[key] = copyJson(value);
    }
  }

  #lists(original: readonly Json[], patch: readonly Json[], field: Field): Json[] {
    const key = field.mergeKey ?? '';
    const isReplaced = patch.some((item) => valueAt(item, '$patch') === 'replace');
    const result = isReplaced ? [] : [...original];
    const items = field.type.kind === 'list' ? field.type.items : undefined;
    for (const item of patch) {
      if (!isJsonObject(item) || key === '') {
        if (!result.some((existing) => equalJson(existing, item))) result.push(copyJson(item));
        continue;
      }
      const directive = item['$patch'];
      if (directive === 'replace') continue;
      const index = result.findIndex((existing) => equalJson(valueAt(existing, key), item[key]));
      if (directive === 'delete') {
        if (index >= 0) result.splice(index, 1);
        continue;
      }
      const existing = result[index];
      const nested = fieldsOfType(this.schemas, items);
      const merged = this.objects(isJsonObject(existing) ? existing : {}, item, nested);
      if (index >= 0) result[index] = merged;
      else result.push(merged);
    }
    return result;
  }

  #deleteScalars(result: JsonObject, key: string, values: Json): void {
    const current = result[key];
    if (!Array.isArray(current) || !Array.isArray(values)) return;
    result[key] = current.filter((item) => !values.some((value) => equalJson(value, item)));
  }

  /** An order may be given for a list that the patch does not change otherwise. */
  #reorderUntouched(result: JsonObject, patch: JsonObject, fields: Fields): JsonObject {
    for (const [key, order] of Object.entries(patch)) {
      if (!key.startsWith(ORDER_PREFIX)) continue;
      const name = key.slice(ORDER_PREFIX.length);
      const current = result[name];
      const mergeKey = fields?.get(name)?.mergeKey;
      if (name in patch || !Array.isArray(current) || mergeKey === undefined) continue;
      result[name] = reordered(current, order, mergeKey);
    }
    return result;
  }
}

/** Items named by the order come first and in that order, the others keep theirs. */
function reordered(list: Json[], order: Json | undefined, key: string): Json[] {
  if (!Array.isArray(order)) return list;
  const rank = (item: Json) => {
    const index = order.findIndex((entry) =>
      key === '' ? equalJson(entry, item) : equalJson(valueAt(entry, key), valueAt(item, key)),
    );
    return index < 0 ? order.length : index;
  };
  return [...list].sort((left, right) => rank(left) - rank(right));
}
