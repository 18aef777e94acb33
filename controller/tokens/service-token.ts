/**
 * What v3.5's service tokens say, shared by their issuer and their verifier: the issuer text and the claims.
 *
 *     a  agent name      t  service type      n  service name      iat  issued at (seconds)
 *     opsmx.purpose      "service"; later Go versions write it, v3.5 does not and ignores it
 */

/** `iss` of service tokens. */
export const SERVICE_TOKEN_ISSUER = 'opsmx';

/** `iss` of user-header tokens; some 3.x releases wrote it into their service tokens too. */
export const USER_HEADER_ISSUER = 'opsmx-header-mutation';

/** Names of the claims. */
export const CLAIM = {
  agent: 'a',
  serviceType: 't',
  serviceName: 'n',
  purpose: 'opsmx.purpose',
  user: 'u',
} as const;

/** Value of the purpose claim. */
export const SERVICE_PURPOSE = 'service';
