/**
 * A host name for each route, for tools that mishandle a base path in the server URL.
 * The kubeconfig renderer writes it; callers/ checks a request's host by computing it anew from the
 * credential's route, so nothing ever has to be read back out of it.
 */
import { createHash } from 'node:crypto';
import type { Route } from '../../shared/ids.js';

const MAX_LABEL_LENGTH = 63;
const DIGEST_LENGTH = 12;
const BASE32_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * `<label>.<serviceDomain>`, in lower case. The label begins with what people recognise (agent and
 * service name) and ends in 60 bits of a digest over the exact route, so that routes whose names
 * look alike, are cut, or hold characters DNS does not know keep different host names.
 */
export function routeHostName(route: Route, serviceDomain: string): string {
  return `${routeLabel(route)}.${serviceDomain.replace(/^\.|\.$/g, '').toLowerCase()}`;
}

function routeLabel(route: Route): string {
  const { agent, service } = route;
  const readable = `${agent}-${service.name}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_LABEL_LENGTH - DIGEST_LENGTH - 1)
    .replace(/^-+|-+$/g, '');
  // JSON keeps ("a-b", "c") and ("a", "b-c") apart.
  const digest = base32Digest(JSON.stringify([agent, service.type, service.name]));
  return readable === '' ? digest : `${readable}-${digest}`;
}

function base32Digest(text: string): string {
  const bytes = createHash('sha256').update(text).digest();
  return [...bytes.subarray(0, DIGEST_LENGTH)]
    .map((byte) => BASE32_ALPHABET.charAt(byte % BASE32_ALPHABET.length))
    .join('');
}
