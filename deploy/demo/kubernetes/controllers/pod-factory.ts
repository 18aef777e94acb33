/** Makes the pods of replica sets, stateful sets, daemon sets and jobs from their templates. */
import { createObject } from '../lifecycle/create-object.js';
import { systemWrite } from '../lifecycle/write-context.js';
import type { JsonObject } from '../objects/json-value.js';
import { copyJson, objectAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { controllerReference, isTerminating, namespaceOf } from '../objects/kube-object.js';
import type { ControllerContext } from './controller.js';
import { KEYS } from './controller.js';

/** What differs from the owner's template. */
export interface PodVariation {
  /** A name, or the prefix of a generated one. */
  readonly metadata: { readonly name: string } | { readonly generateName: string };
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
}

/** Creates one pod controlled by `owner`; undefined when the namespace takes no more objects. */
export function createPod(
  { cluster }: ControllerContext,
  owner: KubeObject,
  variation: PodVariation,
): KubeObject | undefined {
  const namespace = namespaceOf(owner);
  const home = cluster.store.get(KEYS.namespaces, '', namespace);
  const resource = cluster.catalog.find('', 'v1', 'pods');
  if (home === undefined || isTerminating(home) || resource === undefined) return undefined;
  const template = copyJson(objectAt(owner, 'spec', 'template'));
  const templateMetadata = objectAt(template, 'metadata');
  const manifest: JsonObject = {
    metadata: {
      ...templateMetadata,
      ...variation.metadata,
      namespace,
      labels: { ...objectAt(templateMetadata, 'labels'), ...variation.labels },
      ownerReferences: [controllerReference(owner)],
    },
    spec: {
      ...objectAt(template, 'spec'),
      ...(variation.nodeName === undefined ? {} : { nodeName: variation.nodeName }),
    },
  };
  return createObject(
    cluster,
    resource,
    namespace,
    manifest,
    systemWrite('kube-controller-manager'),
  );
}
