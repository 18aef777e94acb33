/**
 * The headers of a request as the target gets them: Host and credential are the target's own, and for
 * Kubernetes whatever would make the agent speak as somebody else is dropped (design 4).
 */
import { isHeaderName } from './header-list.js';
import type { HeaderList } from './header-list.js';
import { HeaderNames } from './header-names.js';
import { endToEndHeaders } from './hop-by-hop.js';

/** What the target wants to see. */
export interface TargetIdentity {
  readonly kind: 'kubernetes' | 'generic';
  /** Host header. */
  readonly authority: string;
  readonly authorization: string | undefined;
}

/** What the target gets from us, never from a caller. */
const OURS = new HeaderNames(['host', 'authorization']);

/** Headers that name a user to the apiserver, and Spinnaker's own, which are no business of a cluster. */
const IMPERSONATION = /^(?:impersonate-|x-remote-|x-spinnaker-)/i;

const WEBSOCKET_BEARER = 'base64url.bearer.authorization.k8s.io.';

/** Request headers for the target, Host first. */
export function targetHeaders(
  headers: HeaderList,
  target: TargetIdentity,
  isUpgrade: boolean,
): HeaderList {
  const isKubernetes = target.kind === 'kubernetes';
  const kept: HeaderList = ['Host', target.authority];
  if (target.authorization !== undefined) kept.push('Authorization', target.authorization);
  const given = endToEndHeaders(headers, isUpgrade);
  for (let i = 0; i < given.length; i += 2) {
    const name = given[i] ?? '';
    const value = given[i + 1] ?? '';
    if (OURS.has(name)) continue;
    if (isKubernetes && IMPERSONATION.test(name)) continue;
    if (isKubernetes && isHeaderName(name, 'sec-websocket-protocol')) {
      const protocols = withoutBearer(value);
      if (protocols !== '') kept.push(name, protocols);
      continue;
    }
    kept.push(name, value);
  }
  if (isUpgrade) kept.push('Connection', 'Upgrade');
  return kept;
}

function withoutBearer(protocols: string): string {
  if (!protocols.toLowerCase().includes(WEBSOCKET_BEARER)) return protocols;
  return protocols
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => !protocol.toLowerCase().startsWith(WEBSOCKET_BEARER))
    .join(', ');
}
