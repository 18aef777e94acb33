/** The scale subresource: `kubectl scale` and autoscalers. */
import { contentTypeOf, parseBody, readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import { replaceObject } from '../lifecycle/replace-object.js';
import { writeContextOf } from '../lifecycle/write-context.js';
import type { Json, JsonObject } from '../objects/json-value.js';
import {
  copyJson,
  ensureObject,
  numberAt,
  objectAt,
  stringsAt,
  valueAt,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { applyJsonPatch } from '../patch/json-patch.js';
import { applyMergePatch } from '../patch/merge-patch.js';
import { methodNotAllowed } from '../status-error.js';
import { labelSelectorText } from '../store/label-selector.js';
import type { ResourceRequest } from './handler-context.js';
import { requestedObject } from './handler-context.js';

/** GET, PUT and PATCH of a scale. */
export async function handleScale(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource } = request;
  const current = requestedObject(request);
  if (exchange.method === 'GET') {
    await sendJson(exchange, 200, scaleOf(current));
    return;
  }
  const wanted = await wantedScale(request, scaleOf(current));
  const scaled = copyJson(current);
  ensureObject(scaled, 'spec')['replicas'] = numberAt(wanted, 'spec', 'replicas');
  const version = valueAt(wanted, 'metadata', 'resourceVersion');
  if (version !== undefined) scaled.metadata['resourceVersion'] = version;
  const stored = replaceObject(
    cluster,
    resource,
    current,
    scaled,
    writeContextOf(exchange, 'scale'),
  );
  await sendJson(exchange, 200, scaleOf(stored));
}

async function wantedScale(request: ResourceRequest, scale: JsonObject): Promise<Json> {
  const { exchange } = request;
  const type = contentTypeOf(exchange);
  const body = parseBody(await readBody(exchange), type);
  if (exchange.method === 'PUT') return body;
  if (exchange.method !== 'PATCH') throw methodNotAllowed();
  return type === 'application/json-patch+json'
    ? applyJsonPatch(scale, body)
    : applyMergePatch(scale, body);
}

function scaleOf(object: KubeObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: name ?? '',
      namespace: namespace ?? '',
      uid: uid ?? '',
      resourceVersion: resourceVersion ?? '',
      creationTimestamp: creationTimestamp ?? null,
    },
    spec: { replicas: numberAt(object, 'spec', 'replicas') },
    status: {
      replicas: numberAt(object, 'status', 'replicas'),
      selector: selectorOf(object),
    },
  };
}

function selectorOf(object: KubeObject): string {
  const selector = objectAt(object, 'spec', 'selector');
  const labels =
    'matchLabels' in selector ? stringsAt(selector, 'matchLabels') : stringsAt(selector);
  return labelSelectorText(labels);
}
