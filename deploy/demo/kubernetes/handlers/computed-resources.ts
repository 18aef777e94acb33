/**
 * Answers that are computed instead of stored: access reviews, metrics, evictions, service account
 * tokens. Every caller of the demo may do everything.
 */
import { readObject } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import { deleteObject, deletionRequest } from '../lifecycle/delete-object.js';
import type { JsonObject } from '../objects/json-value.js';
import { listAt, numberAt, objectAt, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { apiTime, labelsOf, nameOf, namespaceOf } from '../objects/kube-object.js';
import { resourceKey } from '../resources/resource-definition.js';
import { methodNotAllowed, objectNotFound } from '../status-error.js';
import { parseLabelSelector } from '../store/label-selector.js';
import type { ResourceRequest } from './handler-context.js';
import { requestedObject, subjectOf } from './handler-context.js';

/** POST of the reviews in authorization.k8s.io and authentication.k8s.io. */
export async function answerReview(request: ResourceRequest): Promise<void> {
  if (request.exchange.method !== 'POST') throw methodNotAllowed();
  const body = await readObject(request.exchange, request.cluster.schemas);
  await sendJson(request.exchange, 201, { ...body, metadata: {}, status: reviewStatus(request) });
}

function reviewStatus(request: ResourceRequest): JsonObject {
  switch (request.resource.definition.kind) {
    case 'SelfSubjectRulesReview':
      return {
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        incomplete: false,
      };
    case 'SelfSubjectReview':
      return { userInfo: { username: request.exchange.user, groups: ['system:authenticated'] } };
    default:
      return { allowed: true, reason: 'the demo allows everything' };
  }
}

/** GET of metrics.k8s.io: steady figures derived from names. */
export async function answerMetrics(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource, namespace, name } = request;
  const isPods = resource.definition.kind === 'PodMetrics';
  const matches = parseLabelSelector(exchange.query.get('labelSelector') ?? '');
  const measured = cluster.store
    .list(resourceKey('', isPods ? 'pods' : 'nodes'))
    .filter((object) => namespace === '' || namespaceOf(object) === namespace)
    .filter((object) => !isPods || stringAt(object, 'status', 'phase') === 'Running')
    .filter((object) => matches(labelsOf(object)))
    .map((object) => (isPods ? podMetrics(object) : nodeMetrics(object)));
  const time = apiTime(cluster.now());
  const items = measured.map((item) => ({ ...item, timestamp: time, window: '15s' }));
  if (name !== '') {
    const item = items.find((entry) => nameOf(entry) === name);
    if (item === undefined) throw objectNotFound(subjectOf(request));
    await sendJson(exchange, 200, {
      kind: resource.definition.kind,
      apiVersion: resource.groupVersion,
      ...item,
    });
    return;
  }
  await sendJson(exchange, 200, {
    kind: `${resource.definition.kind}List`,
    apiVersion: resource.groupVersion,
    metadata: {},
    items,
  });
}

function podMetrics(pod: KubeObject): JsonObject {
  const containers = listAt(pod, 'spec', 'containers').map((container) => {
    const containerName = stringAt(container, 'name');
    const size = nameOf(pod).length + containerName.length;
    return { name: containerName, usage: { cpu: `${size}m`, memory: `${size * 1024}Ki` } };
  });
  return { metadata: metricsMetadata(pod), containers };
}

function nodeMetrics(node: KubeObject): JsonObject {
  const size = nameOf(node).length;
  return {
    metadata: metricsMetadata(node),
    usage: { cpu: `${size * 40}m`, memory: `${size * 65536}Ki` },
  };
}

function metricsMetadata(object: KubeObject): JsonObject {
  return {
    name: nameOf(object),
    ...(namespaceOf(object) === '' ? {} : { namespace: namespaceOf(object) }),
    labels: objectAt(object, 'metadata', 'labels'),
    creationTimestamp: object.metadata['creationTimestamp'] ?? null,
  };
}

/** POST to pods/eviction: `kubectl drain`. */
export async function evictPod(request: ResourceRequest): Promise<void> {
  const body = await readObject(request.exchange, request.cluster.schemas);
  const options = deletionRequest(objectAt(body, 'deleteOptions'), request.exchange.query);
  deleteObject(request.cluster, request.resource, requestedObject(request), options);
  await sendJson(request.exchange, 201, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    code: 201,
  });
}

/** POST to serviceaccounts/token: `kubectl create token`. The token opens nothing. */
export async function issueToken(request: ResourceRequest): Promise<void> {
  const { cluster, exchange } = request;
  const account = requestedObject(request);
  const body = await readObject(exchange, cluster.schemas);
  const seconds = numberAt(body, 'spec', 'expirationSeconds') || 3600;
  const expires = apiTime(new Date(cluster.now().getTime() + seconds * 1000));
  await sendJson(exchange, 201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name: nameOf(account), namespace: namespaceOf(account), creationTimestamp: null },
    spec: objectAt(body, 'spec'),
    status: { token: `demo.${cluster.names.uid()}`, expirationTimestamp: expires },
  });
}
