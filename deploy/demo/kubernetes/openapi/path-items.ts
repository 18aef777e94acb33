/**
 * The `paths` of the OpenAPI documents. kubectl reads from them which kind a path serves
 * (explain) and whether a kind's PATCH takes `dryRun` and `fieldValidation` (apply, create).
 */
import type { JsonObject } from '../objects/json-value.js';
import type { ServedResource } from '../resources/resource-definition.js';
import { ACCESS_VERBS } from '../resources/resource-definition.js';
import { groupVersionKind } from './type-names.js';

interface OperationSource {
  readonly resource: ServedResource;
  readonly minor: number;
  /** A parameter as the document's version writes it. */
  readonly parameter: (name: string, type: string) => JsonObject;
}

/** The paths of a resource: of the collection and of one object. */
export function pathItems(source: OperationSource): JsonObject {
  const { definition } = source.resource;
  const collection = collectionPath(source.resource);
  const canWrite = definition.access === 'all';
  const canRead = definition.access !== 'create';
  const items: JsonObject = {
    [collection]: {
      ...(canRead ? { get: operation(source, 'list') } : {}),
      ...(ACCESS_VERBS[definition.access].includes('create')
        ? { post: operation(source, 'create') }
        : {}),
    },
  };
  if (!canRead) return items;
  items[`${collection}/{name}`] = {
    get: operation(source, 'read'),
    ...(canWrite
      ? {
          put: operation(source, 'replace'),
          delete: operation(source, 'delete'),
          patch: operation(source, 'patch'),
        }
      : {}),
  };
  return items;
}

function collectionPath({ definition, groupVersion }: ServedResource): string {
  const root = definition.group === '' ? `/api/${groupVersion}` : `/apis/${groupVersion}`;
  const scope = definition.isNamespaced ? '/namespaces/{namespace}' : '';
  return `${root}${scope}/${definition.plural}`;
}

const ACTIONS: Readonly<Record<string, string>> = {
  list: 'list',
  create: 'post',
  read: 'get',
  replace: 'put',
  delete: 'delete',
  patch: 'patch',
};

function operation(source: OperationSource, verb: string): JsonObject {
  const { resource, minor, parameter } = source;
  const { definition } = resource;
  const isWrite = verb === 'create' || verb === 'replace' || verb === 'patch';
  const parameters = [
    ...(isWrite || verb === 'delete' ? [parameter('dryRun', 'string')] : []),
    ...(isWrite ? [parameter('fieldManager', 'string')] : []),
    ...(isWrite && minor >= 25 ? [parameter('fieldValidation', 'string')] : []),
    ...(verb === 'patch' ? [parameter('force', 'boolean')] : []),
  ];
  const scope = definition.isNamespaced ? 'Namespaced' : '';
  const version = resource.version.charAt(0).toUpperCase() + resource.version.slice(1);
  return {
    description: `${verb} the specified ${definition.kind}`,
    operationId: `${verb}${groupName(definition.group)}${version}${scope}${definition.kind}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { '200': { description: 'OK' } },
    'x-kubernetes-action': ACTIONS[verb] ?? verb,
    'x-kubernetes-group-version-kind': groupVersionKind(resource, definition.kind),
  };
}

function groupName(group: string): string {
  const first = group === '' ? 'core' : (group.split('.')[0] ?? group);
  return first.charAt(0).toUpperCase() + first.slice(1);
}
