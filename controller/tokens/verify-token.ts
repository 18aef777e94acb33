/**
 * Verifies service tokens and says which route they stand for. Used for every request of a caller without
 * certificate, so the tokens found good are remembered: clouddriver sends thousands of requests with one.
 * Synchronous throughout.
 */
import type { Clock } from '../../shared/clock.js';
import { forgetOldest } from '../../shared/forget-oldest.js';
import { agentName, type Route } from '../../shared/ids.js';
import type { KeySet, KeySource } from './key-set.js';
import {
  CLAIM,
  SERVICE_PURPOSE,
  SERVICE_TOKEN_ISSUER,
  USER_HEADER_ISSUER,
} from './service-token.js';
import { expiryMs, refused, textClaim, verifiedClaims, type Claims } from './signed-token.js';

/** What a verifier works with. */
export interface TokenVerifierOptions {
  readonly keys: KeySource;
  readonly clock: Clock;
  /** How many good tokens are remembered. Default 10,000, some 5 MB. */
  readonly maxRemembered?: number;
}

interface Remembered {
  readonly token: string;
  readonly route: Route;
  /** ms since the epoch; infinity without `exp`. */
  readonly expiresAt: number;
}

const DEFAULT_MAX_REMEMBERED = 10_000;

/** Verifies service tokens, remembering the good ones until they expire or the keys change. */
export class TokenVerifier {
  /**
   * Keyed by signature: short, and no two tokens share one. In order of use, least recent first. Only verified
   * tokens get in, so strangers cannot fill it.
   */
  private readonly remembered = new Map<string, Remembered>();
  /** The last one in that order: callers that keep their connection send one token again and again. */
  private latest: Remembered | undefined;
  private rememberedFor: KeySet;
  private readonly maxRemembered: number;

  constructor(private readonly options: TokenVerifierOptions) {
    this.rememberedFor = options.keys.current();
    this.maxRemembered = options.maxRemembered ?? DEFAULT_MAX_REMEMBERED;
  }

  /** The route that a token stands for; throws CREDENTIAL_REFUSED with the reason. */
  verifyServiceToken(token: string): Route {
    const keys = this.options.keys.current();
    if (keys !== this.rememberedFor) {
      this.remembered.clear();
      this.latest = undefined;
      this.rememberedFor = keys;
    }
    const nowMs = this.options.clock.now();
    const known = this.recall(token, nowMs);
    if (known !== undefined) return known.route;
    const claims = verifiedClaims(token, keys, nowMs);
    const route = routeOf(claims);
    this.remember({ token, route, expiresAt: expiryMs(claims) });
    return route;
  }

  /** How many tokens are remembered now. */
  get rememberedCount(): number {
    return this.remembered.size;
  }

  /** What is known of a token that is still good; it becomes the latest. */
  private recall(token: string, nowMs: number): Remembered | undefined {
    if (this.latest?.token === token && nowMs < this.latest.expiresAt) return this.latest;
    const signature = signatureIn(token);
    const known = this.remembered.get(signature);
    if (known?.token !== token) return undefined;
    this.remembered.delete(signature); // put behind the others, or expired
    if (nowMs < known.expiresAt) {
      this.remember(known);
      return known;
    }
    this.latest = undefined; // it may have been this one
    return undefined;
  }

  private remember(entry: Remembered): void {
    this.remembered.set(signatureIn(entry.token), entry);
    this.latest = entry;
    forgetOldest(this.remembered, this.maxRemembered);
  }
}

function signatureIn(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1);
}

function routeOf(claims: Claims): Route {
  const purpose = claims[CLAIM.purpose];
  if (purpose !== undefined && purpose !== SERVICE_PURPOSE) {
    throw refused('it was issued for another purpose than reaching a service');
  }
  if (!isServiceIssuer(claims)) throw refused('it is not a service token of this product');
  return {
    agent: agentName(textClaim(claims, CLAIM.agent)),
    service: {
      type: textClaim(claims, CLAIM.serviceType),
      name: textClaim(claims, CLAIM.serviceName),
    },
  };
}

/**
 * Some 3.x releases registered their service tokens under the issuer of user headers by mistake, and
 * tokens do not expire. A user header always names a user, a service token never does.
 */
function isServiceIssuer(claims: Claims): boolean {
  const issuer = claims['iss'];
  if (issuer === SERVICE_TOKEN_ISSUER) return true;
  return issuer === USER_HEADER_ISSUER && claims[CLAIM.user] === undefined;
}
