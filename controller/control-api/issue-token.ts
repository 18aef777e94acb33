/**
 * Issues a service token for an endpoint and writes it into the audit log; no endpoint issues one past this.
 */
import type { Route } from '../../shared/ids.js';
import type { ControlApiParts } from './control-api-parts.js';
import type { Operator } from './operator-auth.js';

/** A new token for the route, recorded as issued at the operator's request. */
export async function issueToken(
  parts: Pick<ControlApiParts, 'tokens' | 'audit'>,
  operator: Operator,
  route: Route,
): Promise<string> {
  const token = await parts.tokens.issueServiceToken(route);
  parts.audit.tokenIssued(operator, route, token);
  return token;
}
