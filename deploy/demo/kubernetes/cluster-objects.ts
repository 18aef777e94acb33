/**
 * The cluster's objects for tests and the seed: manifests in, stored objects out, with the same
 * checks and events as over HTTP but without any HTTP.
 */
import type { Cluster } from './cluster.js';
import { createObject } from './lifecycle/create-object.js';
import type { Deletion } from './lifecycle/delete-object.js';
import { deleteObject } from './lifecycle/delete-object.js';
import { replaceObject } from './lifecycle/replace-object.js';
import { systemWrite } from './lifecycle/write-context.js';
import type { JsonObject } from './objects/json-value.js';
import { copyJson, stringAt } from './objects/json-value.js';
import type { KubeObject } from './objects/kube-object.js';
import type { ServedResource } from './resources/resource-definition.js';
import { badRequest, objectNotFound } from './status-error.js';

/** Names one object: group/version and kind as in a manifest, namespace '' for cluster scope. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

const MANAGER = 'demo';

/** Objects of a cluster by manifest. Every method throws StatusErrors. */
export class ClusterObjects {
  constructor(private readonly cluster: Cluster) {}

  /** Creates an object; a status in the manifest is kept. */
  create(manifest: JsonObject): KubeObject {
    const resource = this.#resourceOf(stringAt(manifest, 'apiVersion'), stringAt(manifest, 'kind'));
    const namespace = resource.definition.isNamespaced
      ? stringAt(manifest, 'metadata', 'namespace') || 'default'
      : '';
    const placed = copyJson(manifest);
    const metadata = placed['metadata'];
    if (
      namespace !== '' &&
      typeof metadata === 'object' &&
      metadata !== null &&
      !Array.isArray(metadata)
    ) {
      metadata['namespace'] = namespace;
    }
    return createObject(this.cluster, resource, namespace, placed, systemWrite(MANAGER));
  }

  /** The stored object; undefined when there is none. */
  get(reference: ObjectReference): KubeObject | undefined {
    const resource = this.#resourceOf(reference.apiVersion, reference.kind);
    return this.cluster.store.get(resource.key, reference.namespace ?? '', reference.name);
  }

  /** All objects of a kind, of one namespace when one is given. */
  list(apiVersion: string, kind: string, namespace?: string): KubeObject[] {
    return this.cluster.store.list(this.#resourceOf(apiVersion, kind).key, namespace);
  }

  /** Changes an object by editing a copy of it, metadata and status included. */
  update(reference: ObjectReference, edit: (object: KubeObject) => void): KubeObject {
    const resource = this.#resourceOf(reference.apiVersion, reference.kind);
    const current = this.#existing(reference);
    const edited = copyJson(current);
    edit(edited);
    replaceObject(this.cluster, resource, current, edited, systemWrite(MANAGER));
    return replaceObject(
      this.cluster,
      resource,
      this.#existing(reference),
      { ...edited, metadata: this.#existing(reference).metadata },
      systemWrite(MANAGER, 'status'),
    );
  }

  /** Deletes an object as a DELETE request without options would. */
  delete(reference: ObjectReference): Deletion {
    const resource = this.#resourceOf(reference.apiVersion, reference.kind);
    return deleteObject(this.cluster, resource, this.#existing(reference), {
      gracePeriodSeconds: undefined,
      propagation: 'Background',
      uid: '',
      resourceVersion: '',
      isDryRun: false,
    });
  }

  #existing(reference: ObjectReference): KubeObject {
    const found = this.get(reference);
    if (found !== undefined) return found;
    const { definition } = this.#resourceOf(reference.apiVersion, reference.kind);
    throw objectNotFound({
      group: definition.group,
      resource: definition.plural,
      name: reference.name,
    });
  }

  #resourceOf(apiVersion: string, kind: string): ServedResource {
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    const resource = this.cluster.catalog.findKind(group, kind);
    if (resource === undefined) {
      throw badRequest(`the demo cluster serves no kind "${kind}" of group "${group}"`);
    }
    return resource;
  }
}
