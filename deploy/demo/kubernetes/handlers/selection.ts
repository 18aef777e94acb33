/** Which objects a list, watch or delete-collection request is about. */
import type { KubeObject } from '../objects/kube-object.js';
import { labelsOf, namespaceOf } from '../objects/kube-object.js';
import { parseFieldSelector } from '../store/field-selector.js';
import { parseLabelSelector } from '../store/label-selector.js';
import type { ResourceRequest } from './handler-context.js';

/** True for the objects that a request is about. */
export type Selection = (object: KubeObject) => boolean;

/** The selection of a request: namespace, name in the path, labelSelector, fieldSelector. Throws 400s. */
export function selectionOf(request: ResourceRequest): Selection {
  const { query } = request.exchange;
  const matchesLabels = parseLabelSelector(query.get('labelSelector') ?? '');
  const matchesFields = parseFieldSelector(
    query.get('fieldSelector') ?? '',
    request.resource.definition.selectableFields,
  );
  return (object) =>
    (request.namespace === '' || namespaceOf(object) === request.namespace) &&
    matchesLabels(labelsOf(object)) &&
    matchesFields(object);
}
