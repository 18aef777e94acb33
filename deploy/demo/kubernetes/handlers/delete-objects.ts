/** DELETE of one object or of a collection. */
import { parseBody, readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import { deleteObject, deletionRequest } from '../lifecycle/delete-object.js';
import { toServedVersion } from '../lifecycle/convert-version.js';
import type { JsonObject } from '../objects/json-value.js';
import { isJsonObject } from '../objects/json-value.js';
import { nameOf, uidOf } from '../objects/kube-object.js';
import type { ResourceRequest } from './handler-context.js';
import { requestedObject } from './handler-context.js';
import { selectionOf } from './selection.js';

/** Deletes the named object: a Status when it is gone, the object when it still has to end. */
export async function deleteOneObject(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource } = request;
  const options = deletionRequest(await readOptions(request), exchange.query);
  const { object, isGone } = deleteObject(cluster, resource, requestedObject(request), options);
  if (!isGone) {
    await sendJson(exchange, 200, toServedVersion(resource, object));
    return;
  }
  const { group, plural } = resource.definition;
  await sendJson(exchange, 200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: nameOf(object),
      ...(group === '' ? {} : { group }),
      kind: plural,
      uid: uidOf(object),
    },
  });
}

/** Deletes every selected object and answers with the list of what was there. */
export async function deleteCollection(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource } = request;
  const options = deletionRequest(await readOptions(request), exchange.query);
  const selected = cluster.store.list(resource.key).filter(selectionOf(request));
  const items = selected.map((object) => deleteObject(cluster, resource, object, options).object);
  await sendJson(exchange, 200, {
    kind: `${resource.definition.kind}List`,
    apiVersion: resource.groupVersion,
    metadata: { resourceVersion: String(cluster.store.revision) },
    items: items.map((object) => toServedVersion(resource, object)),
  });
}

async function readOptions(request: ResourceRequest): Promise<JsonObject> {
  const body = await readBody(request.exchange);
  if (body.length === 0) return {};
  const options = parseBody(body, 'application/json');
  return isJsonObject(options) ? options : {};
}
