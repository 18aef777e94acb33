/** GET of a collection: selectors, pages with limit and continue. */
import { acceptedForm } from '../http/accept.js';
import { headerOf } from '../http/exchange.js';
import { sendJson } from '../http/respond.js';
import { isJsonObject, numberAt, parseJson, stringAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf, namespaceOf } from '../objects/kube-object.js';
import { expired } from '../status-error.js';
import type { ResourceRequest } from './handler-context.js';
import type { ListMetadata } from './object-answer.js';
import { ObjectAnswer } from './object-answer.js';
import { selectionOf } from './selection.js';

interface ContinueToken {
  readonly revision: number;
  /** `namespace/name` of the last object of the page before. */
  readonly after: string;
}

/** Answers a list. */
export async function listObjects(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource } = request;
  const form = acceptedForm(headerOf(exchange, 'accept'));
  const selected = cluster.store.list(resource.key).filter(selectionOf(request));
  const { objects, metadata } = pageOf(request, selected);
  const answer = new ObjectAnswer(
    cluster,
    resource,
    form,
    exchange.query.get('includeObject') ?? 'Metadata',
  );
  await sendJson(exchange, 200, answer.list(objects, metadata));
}

function pageOf(
  request: ResourceRequest,
  selected: readonly KubeObject[],
): { objects: readonly KubeObject[]; metadata: ListMetadata } {
  const { cluster, exchange } = request;
  const limit = Number(exchange.query.get('limit') ?? 0);
  const tokenText = exchange.query.get('continue') ?? '';
  const token = tokenText === '' ? undefined : readToken(tokenText, cluster.store.oldestRevision);
  const revision = token?.revision ?? cluster.store.revision;
  const rest =
    token === undefined ? selected : selected.filter((object) => pathOf(object) > token.after);
  const objects = limit > 0 ? rest.slice(0, limit) : rest;
  const last = objects.at(-1);
  if (last === undefined || objects.length === rest.length) {
    return { objects, metadata: { resourceVersion: String(revision) } };
  }
  const hasSelector = exchange.query.has('labelSelector') || exchange.query.has('fieldSelector');
  return {
    objects,
    metadata: {
      resourceVersion: String(revision),
      continue: writeToken({ revision, after: pathOf(last) }),
      // As in an apiserver, the rest is not counted when a selector is set.
      ...(hasSelector ? {} : { remainingItemCount: rest.length - objects.length }),
    },
  };
}

function pathOf(object: KubeObject): string {
  return `${namespaceOf(object)}/${nameOf(object)}`;
}

function writeToken(token: ContinueToken): string {
  const body = { v: 'meta.k8s.io/v1', rv: token.revision, start: token.after };
  return Buffer.from(JSON.stringify(body)).toString('base64url');
}

function readToken(text: string, oldestRevision: number): ContinueToken {
  const gone = expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
  );
  try {
    const body = parseJson(Buffer.from(text, 'base64url').toString('utf8'));
    if (!isJsonObject(body) || numberAt(body, 'rv') < oldestRevision) throw gone;
    return { revision: numberAt(body, 'rv'), after: stringAt(body, 'start') };
  } catch {
    throw gone;
  }
}
