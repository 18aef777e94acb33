/**
 * Objects and lists in the form that the caller asked for: whole, as a table for `kubectl get`,
 * or metadata only. Used by the reading and writing handlers and by watches.
 */
import type { Cluster } from '../cluster.js';
import type { AnswerForm } from '../http/accept.js';
import { toServedVersion } from '../lifecycle/convert-version.js';
import type { Json, JsonObject } from '../objects/json-value.js';
import { stringAt, without } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';

/** metadata of a list. */
export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

/** Writes objects of one resource in one form. */
export class ObjectAnswer {
  constructor(
    private readonly cluster: Pick<Cluster, 'now'>,
    private readonly resource: ServedResource,
    private readonly form: AnswerForm,
    /** The includeObject parameter of tables: None, Metadata or Object. */
    private readonly includeObject: string,
  ) {}

  /** One object. */
  one(stored: KubeObject): JsonObject {
    const object = toServedVersion(this.resource, stored);
    if (this.form.kind === 'object') return object;
    if (this.form.kind === 'metadata') return this.#metadataOnly(object);
    const resourceVersion = stringAt(object, 'metadata', 'resourceVersion');
    return this.#table([object], { resourceVersion }, true);
  }

  /** A list. */
  list(stored: readonly KubeObject[], metadata: ListMetadata): JsonObject {
    const objects = stored.map((object) => toServedVersion(this.resource, object));
    if (this.form.kind === 'table') return this.#table(objects, metadata, true);
    if (this.form.kind === 'metadata') {
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: `meta.k8s.io/${this.form.version}`,
        metadata: { ...metadata },
        items: objects.map((object) => this.#metadataOnly(object)),
      };
    }
    return {
      kind: `${this.resource.definition.kind}List`,
      apiVersion: this.resource.groupVersion,
      metadata: { ...metadata },
      items: objects.map(withoutType),
    };
  }

  /** The object of a watch event; a table has its column headers only in the first one. */
  event(stored: KubeObject, isFirst: boolean): JsonObject {
    if (this.form.kind !== 'table') return this.one(stored);
    const object = toServedVersion(this.resource, stored);
    const resourceVersion = stringAt(object, 'metadata', 'resourceVersion');
    return this.#table([object], { resourceVersion }, isFirst);
  }

  #table(objects: readonly KubeObject[], metadata: ListMetadata, hasHeaders: boolean): JsonObject {
    const { columns } = this.resource.definition;
    const now = this.cluster.now();
    const version = this.form.kind === 'table' ? this.form.version : 'v1';
    return {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${version}`,
      metadata: { ...metadata },
      columnDefinitions: hasHeaders
        ? columns.map(({ name, type, format, description, priority }) => ({
            name,
            type,
            format,
            description,
            priority,
          }))
        : [],
      rows: objects.map((object) => ({
        cells: columns.map((column) => column.cell(object, now)),
        ...this.#rowObject(object, version),
      })),
    };
  }

  #rowObject(object: KubeObject, version: string): JsonObject {
    if (this.includeObject === 'None') return {};
    if (this.includeObject === 'Object') return { object };
    return { object: { ...this.#metadataOnly(object), apiVersion: `meta.k8s.io/${version}` } };
  }

  #metadataOnly(object: KubeObject): JsonObject {
    const version = this.form.kind === 'object' ? 'v1' : this.form.version;
    return {
      kind: 'PartialObjectMetadata',
      apiVersion: `meta.k8s.io/${version}`,
      metadata: object.metadata,
    };
  }
}

/** Items of a typed list carry no type of their own. */
function withoutType(object: KubeObject): Json {
  return without(object, 'kind', 'apiVersion');
}
