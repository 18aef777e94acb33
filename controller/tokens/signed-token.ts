/**
 * The one token format: a compact JWS (RFC 7515) signed with HS256, as v3.5 issues it. Knows signatures and
 * times; what the claims mean is the business of `service-token.ts` and `user-header-token.ts`.
 *
 * Written on node:crypto and not on jose, because verification stands in the path of every request and of
 * upgrades and has to answer synchronously; jose (WebCrypto) can only answer later. The tests hold this
 * file against jose in both directions. There is one algorithm, so nothing here can be negotiated.
 */
import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { TunnelError } from '../../shared/errors.js';
import type { KeySet } from './key-set.js';

/** Claims by name. `iat` and `exp` are seconds since the epoch. */
export type Claims = Readonly<Record<string, unknown>>;

const ALGORITHM = 'HS256';
/** More than any name allowed in a token comes to; HTTP servers stop at about as much. */
const MAX_TOKEN_LENGTH = 16_384;
/** How far the clocks of two controllers may differ. */
const CLOCK_SKEW_SECONDS = 60;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Signs claims. They are written in alphabetical order, as v3.5 writes them, so that equal claims give equal tokens. */
export function signToken(claims: Claims, keyId: string, key: KeyObject): string {
  const header = encode({ alg: ALGORITHM, kid: keyId, typ: 'JWT' });
  const sorted = Object.fromEntries(Object.entries(claims).sort(([a], [b]) => (a < b ? -1 : 1)));
  const signed = `${header}.${encode(sorted)}`;
  return `${signed}.${signatureOf(signed, key)}`;
}

/**
 * The claims of a token whose signature and times are good at `nowMs`. Throws CREDENTIAL_REFUSED with the
 * reason; the text never holds any of the token.
 */
export function verifiedClaims(token: string, keys: KeySet, nowMs: number): Claims {
  if (token.length > MAX_TOKEN_LENGTH) throw refused('it is too long');
  const parts = token.split('.');
  const [header, payload, signature] = parts;
  if (
    header === undefined ||
    payload === undefined ||
    signature === undefined ||
    parts.length > 3
  ) {
    throw refused('it is not of the form header.claims.signature');
  }
  const key = keyFor(decode(header, 'header'), keys);
  if (!isEqual(signature, signatureOf(`${header}.${payload}`, key))) {
    throw refused(
      'its signature does not fit; it was altered or signed with another key of that name',
    );
  }
  const claims = decode(payload, 'claims');
  checkTimes(claims, nowMs / 1000);
  return claims;
}

/** The claim of that name, which has to be a text that is not empty. */
export function textClaim(claims: Claims, name: string): string {
  const value = claims[name];
  if (typeof value === 'string' && value !== '') return value;
  throw refused(`it lacks the claim "${name}"`);
}

/** The moment in ms from which the token is no longer good; infinity without `exp`. */
export function expiryMs(claims: Claims): number {
  return typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : Infinity;
}

/** CREDENTIAL_REFUSED with the reason, e.g. `it has expired`. */
export function refused(why: string): TunnelError {
  return new TunnelError('CREDENTIAL_REFUSED', `the token is refused: ${why}`);
}

function keyFor(header: Claims, keys: KeySet): KeyObject {
  if (header['alg'] !== ALGORITHM) throw refused(`its algorithm is not ${ALGORITHM}`);
  // RFC 7515 4.1.11: extensions that the issuer calls critical must be understood; none is.
  if (header['crit'] !== undefined) throw refused('it asks for extensions');
  const keyId = header['kid'];
  const key = typeof keyId === 'string' ? keys.get(keyId) : undefined;
  if (key === undefined)
    throw refused('it is signed with a key that this controller does not have');
  return key;
}

function checkTimes(claims: Claims, nowSeconds: number): void {
  const { iat, nbf, exp } = claims;
  for (const [name, time] of Object.entries({ iat, nbf, exp })) {
    if (time !== undefined && typeof time !== 'number') throw refused(`its "${name}" is no time`);
  }
  // v2 tokens have no iat.
  if (typeof iat === 'number' && iat > nowSeconds + CLOCK_SKEW_SECONDS) {
    throw refused('it was issued in the future; check the clocks');
  }
  if (typeof nbf === 'number' && nbf > nowSeconds + CLOCK_SKEW_SECONDS) {
    throw refused('it is not valid yet');
  }
  if (typeof exp === 'number' && nowSeconds >= exp) throw refused('it has expired');
}

function signatureOf(signed: string, key: KeyObject): string {
  return createHmac('sha256', key).update(signed).digest('base64url');
}

/** Compares the texts, so that a second spelling of the same bytes is not the same signature. */
function isEqual(given: string, expected: string): boolean {
  const givenBytes = Buffer.from(given);
  const expectedBytes = Buffer.from(expected);
  return givenBytes.length === expectedBytes.length && timingSafeEqual(givenBytes, expectedBytes);
}

function encode(value: Claims): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string, what: string): Claims {
  if (!BASE64URL.test(part)) throw refused(`its ${what} are not base64url`);
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Claims; // an object: its values stay unknown
    }
  } catch {
    // not JSON: refused below, as anything else that is no object
  }
  throw refused(`its ${what} are not a JSON object`);
}
