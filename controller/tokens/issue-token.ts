/**
 * Issues service tokens: what callers send as Bearer token, Basic password or X-Opsmx-Token when they
 * cannot use a certificate. Used by the control API. They do not expire, as in v3.5: removing a key's
 * file ends all tokens signed with it.
 */
import type { Clock } from '../../shared/clock.js';
import type { Route } from '../../shared/ids.js';
import { signingKey, type KeySource } from './key-set.js';
import { CLAIM, SERVICE_PURPOSE, SERVICE_TOKEN_ISSUER } from './service-token.js';
import { signToken } from './signed-token.js';

/** What an issuer works with. */
export interface TokenIssuerOptions {
  readonly keys: KeySource;
  /** `serviceAuth.currentKeyName`: the key that signs. */
  readonly currentKeyName: string;
  readonly clock: Clock;
}

/** Issues service tokens with the current key. */
export class TokenIssuer {
  /** Throws CONFIG_INVALID when the key is not there. */
  constructor(private readonly options: TokenIssuerOptions) {
    this.currentKey();
  }

  /** A token that stands for the route. */
  issueServiceToken(route: Route): string {
    const { currentKeyName, clock } = this.options;
    const claims = {
      [CLAIM.agent]: route.agent,
      [CLAIM.serviceType]: route.service.type,
      [CLAIM.serviceName]: route.service.name,
      [CLAIM.purpose]: SERVICE_PURPOSE,
      iss: SERVICE_TOKEN_ISSUER,
      iat: Math.floor(clock.now() / 1000),
    };
    return signToken(claims, currentKeyName, this.currentKey());
  }

  private currentKey(): ReturnType<typeof signingKey> {
    const { keys, currentKeyName } = this.options;
    return signingKey(keys.current(), currentKeyName, 'serviceAuth.currentKeyName');
  }
}
