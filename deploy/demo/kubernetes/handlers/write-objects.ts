/** POST, PUT and PATCH of objects and of their status. */
import { acceptedForm } from '../http/accept.js';
import { headerOf } from '../http/exchange.js';
import { contentTypeOf, parseBody, readBody, readObject } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import { checkPathNamespace, createObject, withoutStatus } from '../lifecycle/create-object.js';
import { toServedVersion } from '../lifecycle/convert-version.js';
import { replaceObject } from '../lifecycle/replace-object.js';
import { writeContextOf } from '../lifecycle/write-context.js';
import type { JsonObject } from '../objects/json-value.js';
import { isJsonObject, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { applyJsonPatch } from '../patch/json-patch.js';
import { applyMergePatch } from '../patch/merge-patch.js';
import { applyServerSide } from '../patch/server-side-apply.js';
import { applyStrategicMergePatch } from '../patch/strategic-merge-patch.js';
import { badRequest, unsupportedMediaType } from '../status-error.js';
import type { ResourceRequest } from './handler-context.js';
import { checkManifest, requestedObject, warningHeaders } from './handler-context.js';
import { ObjectAnswer } from './object-answer.js';

/** POST to a collection. */
export async function postObject(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource, namespace } = request;
  const body = checkPathNamespace(namespace, await readObject(exchange, cluster.schemas));
  const { manifest, warnings } = checkManifest(request, body);
  const created = createObject(
    cluster,
    resource,
    namespace,
    withoutStatus(resource, manifest),
    writeContextOf(exchange),
  );
  await answer(request, 201, created, warnings);
}

/** PUT of an object, or of its status. */
export async function putObject(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource, namespace } = request;
  const body = checkPathNamespace(namespace, await readObject(exchange, cluster.schemas));
  const { manifest, warnings } = checkManifest(request, body);
  const write = writeContextOf(exchange, request.subresource);
  const stored = replaceObject(cluster, resource, requestedObject(request), manifest, write);
  await answer(request, 200, stored, warnings);
}

const APPLY_TYPES = ['application/apply-patch+yaml', 'application/apply-patch+json'];

/** PATCH of an object, or of its status, in any of the four forms. */
export async function patchObject(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource } = request;
  const type = contentTypeOf(exchange);
  const body = await readBody(exchange);
  if (APPLY_TYPES.includes(type)) {
    await applyObject(request, body);
    return;
  }
  const current = requestedObject(request);
  const patched = patchedObject(request, current, type, body);
  const { manifest, warnings } = checkManifest(request, patched);
  const write = writeContextOf(exchange, request.subresource);
  await answer(request, 200, replaceObject(cluster, resource, current, manifest, write), warnings);
}

function patchedObject(
  request: ResourceRequest,
  current: KubeObject,
  type: string,
  body: Buffer,
): JsonObject {
  const { cluster, resource } = request;
  const served = toServedVersion(resource, current);
  const patch = parseBody(body, type);
  if (type === 'application/json-patch+json') {
    const patched = applyJsonPatch(served, patch);
    if (!isJsonObject(patched)) throw badRequest('the patch does not yield an object');
    return patched;
  }
  if (!isJsonObject(patch)) throw badRequest('the patch is not an object');
  if (type === 'application/merge-patch+json') {
    return { ...served, ...objectOrEmpty(applyMergePatch(served, patch)) };
  }
  const { kind } = resource.definition;
  if (type === 'application/strategic-merge-patch+json' && cluster.schemas.has(kind)) {
    return applyStrategicMergePatch(cluster.schemas, kind, served, patch);
  }
  throw unsupportedMediaType(
    'application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  );
}

/** Server-side apply creates the object when it does not exist. */
async function applyObject(request: ResourceRequest, body: Buffer): Promise<void> {
  const { cluster, exchange, resource, namespace, name, subresource } = request;
  const manager = exchange.query.get('fieldManager');
  if (manager === null)
    throw badRequest(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  const parsed = parseBody(body, 'application/apply-patch+yaml');
  if (!isJsonObject(parsed)) throw badRequest('the applied configuration is not an object');
  const { manifest, warnings } = checkManifest(request, checkPathNamespace(namespace, parsed));
  const config = { ...manifest, ...typeOf(request), metadata: objectOrEmpty(manifest['metadata']) };
  if (stringAt(config, 'metadata', 'name') !== name) {
    throw badRequest(
      `the name of the object (${stringAt(config, 'metadata', 'name')}) does not match the name on the URL (${name})`,
    );
  }
  const current = cluster.store.get(resource.key, namespace, name);
  const applied = applyServerSide(cluster, current, {
    manager,
    subresource,
    isForced: exchange.query.get('force') === 'true',
    config,
  });
  const write = writeContextOf(exchange, subresource);
  if (current === undefined) {
    await answer(
      request,
      201,
      createObject(cluster, resource, namespace, applied, write),
      warnings,
    );
    return;
  }
  await answer(request, 200, replaceObject(cluster, resource, current, applied, write), warnings);
}

function typeOf(request: ResourceRequest): { apiVersion: string; kind: string } {
  return { apiVersion: request.resource.groupVersion, kind: request.resource.definition.kind };
}

function objectOrEmpty(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject) // it came out of a JSON value, so its parts are JSON
    : {};
}

async function answer(
  request: ResourceRequest,
  status: number,
  object: KubeObject,
  warnings: readonly string[],
): Promise<void> {
  const { cluster, exchange, resource } = request;
  const form = acceptedForm(headerOf(exchange, 'accept'));
  const body = new ObjectAnswer(cluster, resource, form, 'Metadata').one(object);
  await sendJson(exchange, status, body, warningHeaders([...deprecations(request), ...warnings]));
}

/** What an apiserver says about versions that are on their way out. */
function deprecations(request: ResourceRequest): string[] {
  const { definition, groupVersion, version } = request.resource;
  const since: Readonly<Record<string, string>> = {
    'policy/v1beta1': 'v1.21+, unavailable in v1.25+; use policy/v1',
    'batch/v1beta1': 'v1.21+, unavailable in v1.25+; use batch/v1',
    'networking.k8s.io/v1beta1': 'v1.19+, unavailable in v1.22+; use networking.k8s.io/v1',
  };
  const text = since[groupVersion];
  const isDeprecated = text !== undefined && version !== 'v1' && request.cluster.minor >= 21;
  return isDeprecated
    ? [`${groupVersion} ${definition.kind} is deprecated in ${text} ${definition.kind}`]
    : [];
}
