/** Sends a request for a resource to the handler of its verb and subresource. */
import type { Cluster } from '../cluster.js';
import type { Exchange } from '../http/exchange.js';
import { isTrue } from '../http/exchange.js';
import type { OpenStreams } from '../open-streams.js';
import { badRequest, methodNotAllowed, pathNotFound } from '../status-error.js';
import { answerMetrics, answerReview, evictPod, issueToken } from './computed-resources.js';
import { deleteCollection, deleteOneObject } from './delete-objects.js';
import type { ResourceRequest } from './handler-context.js';
import { listObjects } from './list-objects.js';
import { readPodLog } from './pod-log.js';
import { readOneObject } from './read-object.js';
import { parseResourcePath } from './resource-path.js';
import { handleScale } from './scale.js';
import { watchObjects } from './watch-objects.js';
import { patchObject, postObject, putObject } from './write-objects.js';

/** What a path below /api or /apis asks for. Throws a 404 StatusError when nothing serves it. */
export function resourceRequestOf(
  cluster: Cluster,
  exchange: Exchange,
  streams: OpenStreams,
): ResourceRequest {
  const path = parseResourcePath(exchange.segments);
  const resource = path && cluster.catalog.find(path.group, path.version, path.plural);
  if (path === undefined || resource === undefined) throw pathNotFound();
  const { isNamespaced, subresources } = resource.definition;
  const known: readonly string[] = subresources;
  const isUnknownSubresource = path.subresource !== '' && !known.includes(path.subresource);
  const lacksNamespace = isNamespaced && path.name !== '' && path.namespace === '';
  if (isUnknownSubresource || lacksNamespace || (!isNamespaced && path.namespace !== '')) {
    throw pathNotFound();
  }
  const { namespace, name, subresource } = path;
  return { cluster, exchange, resource, namespace, name, subresource, streams };
}

/** Handles a request for a resource. Rejects with StatusErrors. */
export async function handleResource(request: ResourceRequest): Promise<void> {
  const { access } = request.resource.definition;
  if (access === 'create') await answerReview(request);
  else if (access === 'read') await readComputed(request);
  else if (request.subresource !== '' && request.subresource !== 'status') {
    await handleSubresource(request);
  } else if (request.name === '') await handleCollection(request);
  else await handleObject(request);
}

async function readComputed(request: ResourceRequest): Promise<void> {
  if (request.exchange.method !== 'GET') throw methodNotAllowed();
  await answerMetrics(request);
}

async function handleCollection(request: ResourceRequest): Promise<void> {
  const { method, query } = request.exchange;
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (isTrue(query, 'watch')) watchObjects(request);
      else await listObjects(request);
      return;
    case 'POST':
      await postObject(request);
      return;
    case 'DELETE':
      await deleteCollection(request);
      return;
    default:
      throw methodNotAllowed();
  }
}

async function handleObject(request: ResourceRequest): Promise<void> {
  switch (request.exchange.method) {
    case 'GET':
    case 'HEAD':
      await readOneObject(request);
      return;
    case 'PUT':
      await putObject(request);
      return;
    case 'PATCH':
      await patchObject(request);
      return;
    case 'DELETE':
      await deleteOneObject(request);
      return;
    default:
      throw methodNotAllowed();
  }
}

async function handleSubresource(request: ResourceRequest): Promise<void> {
  switch (request.subresource) {
    case 'log':
      readPodLog(request);
      return;
    case 'scale':
      await handleScale(request);
      return;
    case 'eviction':
      await evictPod(request);
      return;
    case 'token':
      await issueToken(request);
      return;
    case 'finalize':
      await putObject(request);
      return;
    default:
      throw badRequest('Upgrade request required'); // exec, attach and portforward
  }
}
