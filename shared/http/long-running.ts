/**
 * Requests that may wait without limit for their response head: Kubernetes' long-running verbs and
 * protocol switches. Everything else is answered with 504 after limits.responseHeadTimeoutMs.
 */
import type { RequestHead } from '../protocol/frame.js';

/**
 * `watch` or `follow` as kube-apiserver reads them: whatever is there and not `false` or `0` means yes
 * (Python's client writes `True`).
 */
const LONG_QUERY = /[?&](?:watch|follow)(?:=(?!(?:false|0)(?:&|$))|&|$)/i;
/** The old form of a watch. */
const WATCH_PATH = /^\/api(?:s\/[^/?]+)?\/[^/?]+\/watch\//;

/** What kube-apiserver passes on to pods, services and nodes takes as long as they do. */
const PROXY_PATH =
  /^\/api\/v1\/(?:namespaces\/[^/?]+\/(?:pods|services)|nodes)\/[^/?]+\/proxy(?:$|[/?])/;

/** Whether a request is a watch, a followed log, something proxied by kube-apiserver, or an upgrade. */
export function isLongRunning(head: RequestHead): boolean {
  const { target } = head;
  if (head.upgrade || WATCH_PATH.test(target) || PROXY_PATH.test(target)) return true;
  const query = head.target.indexOf('?');
  return query >= 0 && LONG_QUERY.test(head.target.slice(query));
}
