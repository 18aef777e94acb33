/**
 * GET with watch=true: events of the objects selected, from the history and then as they happen.
 * The head goes out at once, each event in the turn in which it happened.
 */
import { acceptedForm } from '../http/accept.js';
import { headerOf, isTrue } from '../http/exchange.js';
import { commonHeaders } from '../http/respond.js';
import type { Json } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { badRequest, expired } from '../status-error.js';
import type { StoreEvent } from '../store/object-store.js';
import type { ResourceRequest } from './handler-context.js';
import { ObjectAnswer } from './object-answer.js';
import type { Selection } from './selection.js';
import { selectionOf } from './selection.js';

/** How often bookmarks are sent to watches that allow them; the apiserver does so about once a minute. */
const BOOKMARK_INTERVAL_MS = 60_000;

/** Serves a watch until its timeout, the caller's leaving or the end of the server. */
export function watchObjects(request: ResourceRequest): void {
  const { exchange } = request;
  const events = new WatchEvents(request, selectionOf(request));
  const start = exchange.query.get('resourceVersion') ?? '';
  if (start !== '' && !/^\d+$/.test(start)) {
    throw badRequest(
      `resourceVersion: Invalid value: "${start}": strconv.ParseUint: parsing "${start}": invalid syntax`,
    );
  }
  exchange.response.writeHead(200, { ...commonHeaders(), 'Content-Type': 'application/json' });
  exchange.response.flushHeaders();
  if (!events.replay(Number(start))) {
    exchange.response.end();
    return;
  }
  events.follow();
}

class WatchEvents {
  readonly #request: ResourceRequest;
  readonly #isSelected: Selection;
  readonly #answer: ObjectAnswer;
  #hasSent = false;

  constructor(request: ResourceRequest, isSelected: Selection) {
    const { cluster, exchange, resource } = request;
    const form = acceptedForm(headerOf(exchange, 'accept'));
    const includeObject = exchange.query.get('includeObject') ?? 'Metadata';
    this.#request = request;
    this.#isSelected = isSelected;
    this.#answer = new ObjectAnswer(cluster, resource, form, includeObject);
  }

  /** Sends what lies between the given revision and now. False when the history is too short. */
  replay(revision: number): boolean {
    const { store } = this.#request.cluster;
    const { key } = this.#request.resource;
    if (revision === 0) {
      for (const object of store.list(key).filter(this.#isSelected))
        this.#sendObject('ADDED', object);
      return true;
    }
    const changes = store.changesSince(key, revision);
    if (changes === undefined) {
      const gone = expired(`too old resource version: ${revision} (${store.oldestRevision})`);
      this.#send('ERROR', gone.toStatus());
      return false;
    }
    for (const change of changes) this.#sendChange(change);
    return true;
  }

  /** Sends later changes until the watch ends. */
  follow(): void {
    const { cluster, exchange, resource, streams } = this.#request;
    const close = streams.open('watches');
    const unsubscribe = cluster.store.subscribe((event) => {
      if (event.key === resource.key) this.#sendChange(event);
    });
    const timeoutSeconds = Number(exchange.query.get('timeoutSeconds') ?? 0);
    const timeout =
      timeoutSeconds > 0
        ? setTimeout(() => exchange.response.end(), timeoutSeconds * 1000)
        : undefined;
    const bookmarks = isTrue(exchange.query, 'allowWatchBookmarks')
      ? setInterval(() => this.#sendBookmark(), BOOKMARK_INTERVAL_MS)
      : undefined;
    const cleanup = () => {
      unsubscribe();
      clearTimeout(timeout);
      clearInterval(bookmarks);
      close();
    };
    if (exchange.signal.aborted) cleanup();
    else exchange.signal.addEventListener('abort', cleanup, { once: true });
  }

  #sendChange(event: StoreEvent): void {
    const isSelected = this.#isSelected(event.object);
    const wasSelected = event.previous !== undefined && this.#isSelected(event.previous);
    if (event.type === 'DELETED') {
      if (wasSelected) this.#sendObject('DELETED', event.object);
    } else if (isSelected) {
      this.#sendObject(wasSelected ? 'MODIFIED' : 'ADDED', event.object);
    } else if (wasSelected) {
      this.#sendObject('DELETED', event.object); // it has left the selection
    }
  }

  #sendObject(type: string, object: KubeObject): void {
    this.#send(type, this.#answer.event(object, !this.#hasSent));
    this.#hasSent = true;
  }

  #sendBookmark(): void {
    const { cluster, resource } = this.#request;
    this.#send('BOOKMARK', {
      kind: resource.definition.kind,
      apiVersion: resource.groupVersion,
      metadata: { resourceVersion: String(cluster.store.revision), creationTimestamp: null },
    });
  }

  #send(type: string, object: Json): void {
    const { response } = this.#request.exchange;
    if (!response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`);
  }
}
