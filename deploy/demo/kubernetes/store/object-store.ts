/**
 * The objects of one demo cluster with their revisions, and the bounded history of changes from
 * which watches are served. Used by handlers, controllers, the seed and tests.
 * Defaults, validation and owners are left to handlers and controllers: this is "etcd".
 */
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf, namespaceOf } from '../objects/kube-object.js';
import type { ResourceKey } from '../resources/resource-definition.js';

/** One change of one object. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: ResourceKey;
  /** The object after the change; for DELETED its last state with the revision of the deletion. */
  readonly object: KubeObject;
  /** The object before the change, absent for ADDED. */
  readonly previous?: KubeObject;
  readonly revision: number;
}

/** Called for each change, in order, in the same turn. */
export type StoreListener = (event: StoreEvent) => void;

interface ObjectStoreOptions {
  /** How many changes are kept for watches that resume; older ones answer 410. */
  readonly historySize: number;
}

/** In-memory objects by resource, namespace and name. Stored objects are never changed in place. */
export class ObjectStore {
  #revision = 1000;
  #floor = 1000;
  readonly #objects = new Map<ResourceKey, Map<string, KubeObject>>();
  readonly #listeners = new Set<StoreListener>();
  readonly #history: StoreEvent[] = [];
  readonly #historySize: number;

  constructor(options: ObjectStoreOptions) {
    this.#historySize = options.historySize;
  }

  /** The revision of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** Watches can resume from this revision or a later one. */
  get oldestRevision(): number {
    return this.#floor;
  }

  get(key: ResourceKey, namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(key)?.get(`${namespace}/${name}`);
  }

  /** Objects of a resource in the order of namespace and name; all namespaces when none is given. */
  list(key: ResourceKey, namespace?: string): KubeObject[] {
    const entries = [...(this.#objects.get(key) ?? new Map<string, KubeObject>())];
    return entries
      .filter(([, object]) => namespace === undefined || namespaceOf(object) === namespace)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object);
  }

  /** Every object of the cluster. */
  all(): { key: ResourceKey; object: KubeObject }[] {
    return [...this.#objects].flatMap(([key, objects]) =>
      [...objects.values()].map((object) => ({ key, object })),
    );
  }

  /** Stores an object under its namespace and name with a new revision and returns what is stored. */
  put(key: ResourceKey, object: KubeObject): KubeObject {
    const objects = this.#objects.get(key) ?? new Map<string, KubeObject>();
    this.#objects.set(key, objects);
    const path = `${namespaceOf(object)}/${nameOf(object)}`;
    const previous = objects.get(path);
    const stored = this.#withNextRevision(object);
    objects.set(path, stored);
    this.#emit(
      previous === undefined
        ? { type: 'ADDED', key, object: stored, revision: this.#revision }
        : { type: 'MODIFIED', key, object: stored, previous, revision: this.#revision },
    );
    return stored;
  }

  /** Removes an object and returns its last state; undefined when there is none. */
  remove(key: ResourceKey, namespace: string, name: string): KubeObject | undefined {
    const objects = this.#objects.get(key);
    const previous = objects?.get(`${namespace}/${name}`);
    if (previous === undefined) return undefined;
    objects?.delete(`${namespace}/${name}`);
    const object = this.#withNextRevision(previous);
    this.#emit({ type: 'DELETED', key, object, previous, revision: this.#revision });
    return object;
  }

  /** Changes of a resource after a revision; undefined when the history does not reach back so far. */
  changesSince(key: ResourceKey, revision: number): StoreEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    return this.#history.filter((event) => event.key === key && event.revision > revision);
  }

  /** Calls the listener for each later change until the returned function is called. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Forgets the history, so that older revisions answer 410 (what compaction does). */
  compact(): void {
    this.#history.length = 0;
    this.#floor = this.#revision;
  }

  #withNextRevision(object: KubeObject): KubeObject {
    this.#revision += 1;
    const metadata = { ...object.metadata, resourceVersion: String(this.#revision) };
    return { ...object, metadata };
  }

  #emit(event: StoreEvent): void {
    this.#history.push(event);
    if (this.#history.length > this.#historySize) {
      this.#floor = this.#history.shift()?.revision ?? this.#floor;
    }
    for (const listener of [...this.#listeners]) listener(event);
  }
}
