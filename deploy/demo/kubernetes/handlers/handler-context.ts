/** What every handler of resource requests is given. */
import type { Cluster } from '../cluster.js';
import type { Exchange } from '../http/exchange.js';
import type { JsonObject } from '../objects/json-value.js';
import { textOf } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';
import type { StatusSubject } from '../status-error.js';
import { badRequest, objectNotFound } from '../status-error.js';
import { checkSchema } from '../schemas/schema-check.js';
import { kindSchema } from '../schemas/schema-catalog.js';
import { warningHeader } from '../http/respond.js';
import type { OpenStreams } from '../open-streams.js';

/** A request for one resource of the cluster. */
export interface ResourceRequest {
  readonly cluster: Cluster;
  readonly exchange: Exchange;
  readonly resource: ServedResource;
  /** '' for cluster scope and for requests across namespaces. */
  readonly namespace: string;
  /** '' for the collection. */
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly streams: OpenStreams;
}

/** The object a request names. Throws a 404 StatusError. */
export function requestedObject(request: ResourceRequest): KubeObject {
  const { cluster, resource, namespace, name } = request;
  const object = cluster.store.get(resource.key, namespace, name);
  if (object === undefined) throw objectNotFound(subjectOf(request));
  return object;
}

/** The request's object in the words of a Status. */
export function subjectOf(request: ResourceRequest): StatusSubject {
  const { group, plural } = request.resource.definition;
  return { group, resource: plural, name: request.name };
}

/** A written object after field validation, and the warnings to send with the answer. */
export interface CheckedManifest {
  readonly manifest: JsonObject;
  readonly warnings: readonly string[];
}

/**
 * Checks a written object against its kind and the schema, as `fieldValidation` asks.
 * Throws a 400 StatusError for wrong types, another kind, or unknown fields under Strict.
 */
export function checkManifest(request: ResourceRequest, manifest: JsonObject): CheckedManifest {
  const { cluster, resource, exchange } = request;
  const { kind } = resource.definition;
  const given = manifest['kind'] ?? kind;
  const version = manifest['apiVersion'] ?? resource.groupVersion;
  if (given !== kind || version !== resource.groupVersion) {
    throw badRequest(
      `the API version in the data (${textOf(version)}, Kind=${textOf(given)}) does not match the expected API version (${resource.groupVersion}, Kind=${kind})`,
    );
  }
  const schema = kindSchema(cluster.schemas, kind);
  if (schema === undefined) return { manifest, warnings: [] };
  const checked = checkSchema(cluster.schemas, schema, manifest);
  const cannot = `${kind} in version "${resource.version}" cannot be handled as a ${kind}`;
  const [typeError] = checked.typeErrors;
  if (typeError !== undefined) throw badRequest(`${cannot}: ${typeError}`);
  const unknown = checked.unknownFields.map((field) => `unknown field "${field}"`);
  const validation = exchange.query.get('fieldValidation') ?? 'Warn';
  if (unknown.length > 0 && validation === 'Strict') {
    throw badRequest(`${cannot}: strict decoding error: ${unknown.join(', ')}`);
  }
  return { manifest: checked.object, warnings: validation === 'Warn' ? unknown : [] };
}

/** Warnings as response headers. */
export function warningHeaders(warnings: readonly string[]): Record<string, string[]> {
  return warnings.length === 0 ? {} : { Warning: warnings.map(warningHeader) };
}
