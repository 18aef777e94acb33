/**
 * Credentials for callers of a rig, made without asking it: service tokens as the product and as v3.5
 * issue them, client certificates of any shape.
 */
import { readFileSync } from 'node:fs';
import { KeyDirectory } from '../../controller/tokens/key-set.js';
import { TokenIssuer } from '../../controller/tokens/issue-token.js';
import { signToken } from '../../controller/tokens/signed-token.js';
import { signingKey } from '../../controller/tokens/key-set.js';
import { systemClock } from '../../shared/clock.js';
import { agentName } from '../../shared/ids.js';
import type { Route } from '../../shared/ids.js';
import type { FairleadRig } from './fairlead-rig.js';
import type { ClientTls } from './raw-http.js';

const KEY_NAME = 'public.pem';

/** `agent/type/name` as a route. */
export function routeOf(text: string): Route {
  const [agent = '', type = '', name = ''] = text.split('/');
  return { agent: agentName(agent), service: { type, name } };
}

/** A service token for `agent/type/name`. */
export function serviceToken(rig: FairleadRig, route: string): string {
  const keys = new KeyDirectory(rig.path('ca', 'service-auth'));
  const issuer = new TokenIssuer({ keys, currentKeyName: KEY_NAME, clock: systemClock });
  return issuer.issueServiceToken(routeOf(route));
}

/** A token with these claims, signed with the rig's key. */
export function tokenWithClaims(
  rig: FairleadRig,
  claims: Readonly<Record<string, unknown>>,
): string {
  const keys = new KeyDirectory(rig.path('ca', 'service-auth'));
  return signToken(claims, KEY_NAME, signingKey(keys.current(), KEY_NAME, 'test'));
}

/** The key that signs tokens, as text. */
export function tokenKey(rig: FairleadRig): string {
  return readFileSync(rig.path('ca', 'service-auth', KEY_NAME), 'utf8');
}

/** TLS with a service certificate for `agent/type/name`. */
export async function serviceTls(rig: FairleadRig, route: string): Promise<ClientTls> {
  const issued = await rig.authority.issue({ purpose: 'service', route: routeOf(route) });
  return { ca: rig.caPem, cert: issued.certPem, key: issued.keyPem };
}

/** Basic with the token as password, as igor sends it. */
export function basic(token: string, user = 'ci.prod'): string {
  return `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
}
