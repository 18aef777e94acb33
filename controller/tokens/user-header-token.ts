/**
 * The signed form of the user (`X-Spinnaker-User`) while a request is on the far side of the tunnel, so
 * that a remote clouddriver can hand back only users whom this controller vouched for (v3.2 and later).
 * Used where the controller sends requests into the tunnel and where requests from agents leave it.
 */
import type { Clock } from '../../shared/clock.js';
import { signingKey, type KeySource } from './key-set.js';
import { CLAIM, USER_HEADER_ISSUER } from './service-token.js';
import { refused, signToken, textClaim, verifiedClaims } from './signed-token.js';

/** What signing and verifying user headers needs. */
export interface UserHeaderOptions {
  readonly keys: KeySource;
  /** `serviceAuth.headerMutationKeyName`: the key that signs. Every loaded key verifies. */
  readonly signingKeyName: string;
  readonly clock: Clock;
  /**
   * How long a signed user is good, in ms. Default 24 h: a clouddriver operation that asks front50 or fiat
   * at its end must still be able to, which v3.5's 15 minutes did not allow.
   */
  readonly validityMs?: number;
}

const DEFAULT_VALIDITY_MS = 24 * 3_600_000;

/** Signs and verifies users. */
export class UserHeaderTokens {
  private readonly validityMs: number;

  /** Throws CONFIG_INVALID when the key is not there. */
  constructor(private readonly options: UserHeaderOptions) {
    this.validityMs = options.validityMs ?? DEFAULT_VALIDITY_MS;
    this.key();
  }

  /** The token that stands for the user until it expires. */
  signUserHeader(user: string): string {
    const issuedAt = Math.floor(this.options.clock.now() / 1000);
    const claims = {
      exp: issuedAt + Math.floor(this.validityMs / 1000),
      iat: issuedAt,
      iss: USER_HEADER_ISSUER,
      [CLAIM.user]: user,
    };
    return signToken(claims, this.options.signingKeyName, this.key());
  }

  /** The user that a token stands for; throws CREDENTIAL_REFUSED with the reason. */
  verifyUserHeader(token: string): string {
    const { keys, clock } = this.options;
    const claims = verifiedClaims(token, keys.current(), clock.now());
    if (claims['iss'] !== USER_HEADER_ISSUER) throw refused('it is not a user header');
    if (claims['exp'] === undefined)
      throw refused('a user header must expire, and this one does not');
    return textClaim(claims, CLAIM.user);
  }

  private key(): ReturnType<typeof signingKey> {
    const { keys, signingKeyName } = this.options;
    return signingKey(keys.current(), signingKeyName, 'serviceAuth.headerMutationKeyName');
  }
}
