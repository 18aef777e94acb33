/**
 * Who is calling: the route that a request's credential stands for. Looked for in this order: client
 * certificate, X-Opsmx-Token, Bearer, password of Basic; two that name different routes are refused.
 * Host and path never choose the agent on their own.
 */
import type { X509Certificate } from 'node:crypto';
import { identityOfCertificate } from '../../shared/certificates/certificate-identity.js';
import { TunnelError, tunnelErrorFrom } from '../../shared/errors.js';
import { headerValues } from '../../shared/http/header-list.js';
import type { HeaderList } from '../../shared/http/header-list.js';
import { routeText } from '../../shared/ids.js';
import type { Route } from '../../shared/ids.js';
import type { CallerExchange, ClientCertificate } from '../../shared/intake/caller-exchange.js';

/** Checks tokens; throws CREDENTIAL_REFUSED. */
export interface TokenChecker {
  verifyServiceToken(token: string): Route;
}

/** Finds the route of a request. */
export class CallerAuth {
  readonly #tokens: TokenChecker;
  /** What certificates say is read once. */
  readonly #certificateRoutes = new WeakMap<X509Certificate, Route | TunnelError>();

  constructor(tokens: TokenChecker) {
    this.#tokens = tokens;
  }

  /** Throws CREDENTIAL_MISSING, CREDENTIAL_REFUSED or CREDENTIALS_DISAGREE. */
  routeOf(exchange: CallerExchange): Route {
    const client = exchange.clientCertificate();
    const byCertificate = client === undefined ? undefined : this.#routeOfCertificate(client);
    const byTokens = tokensOf(exchange.headers).map((token) => this.#routeOfToken(token));
    const [byToken] = byTokens;
    const route = isRoute(byCertificate) ? byCertificate : byToken;
    if (isRoute(route)) {
      checkAgreement(route, byTokens.filter(isRoute));
      return route;
    }
    throw asError(byToken) ?? asError(byCertificate) ?? missing();
  }

  #routeOfCertificate({ certificate, refusal }: ClientCertificate): Route | TunnelError {
    if (refusal !== undefined) {
      return new TunnelError(
        'CREDENTIAL_REFUSED',
        `the client certificate is not accepted: ${refusal}`,
      );
    }
    let route = this.#certificateRoutes.get(certificate);
    if (route === undefined) {
      route = routeInCertificate(certificate);
      this.#certificateRoutes.set(certificate, route);
    }
    return route;
  }

  #routeOfToken(token: string): Route | TunnelError {
    try {
      return this.#tokens.verifyServiceToken(token);
    } catch (reason) {
      return tunnelErrorFrom(reason);
    }
  }
}

function routeInCertificate(certificate: X509Certificate): Route | TunnelError {
  try {
    const identity = identityOfCertificate(certificate);
    if (identity.purpose === 'service') return identity.route;
    const text = `the client certificate is one for ${identity.purpose} use; this port needs a service credential`;
    return new TunnelError('CREDENTIAL_REFUSED', text);
  } catch (reason) {
    return tunnelErrorFrom(reason);
  }
}

/** Whoever sends two good credentials that differ wants something else than what the first stands for. */
function checkAgreement(route: Route, others: readonly Route[]): void {
  const other = others.find((one) => !isSameRoute(one, route));
  if (other === undefined) return;
  throw new TunnelError(
    'CREDENTIALS_DISAGREE',
    `one credential of the request stands for ${routeText(route)}, another for ${routeText(other)}; send one of them`,
  );
}

/** Tokens in order: X-Opsmx-Token, then Bearer or the password of Basic (user name ignored). */
function tokensOf(headers: HeaderList): string[] {
  const own = headerValues(headers, 'x-opsmx-token').map((value) => value.trim());
  const others = headerValues(headers, 'authorization').map(tokenInAuthorization);
  return [...own.filter((token) => token !== ''), ...others.filter((token) => token !== undefined)];
}

function tokenInAuthorization(authorization: string): string | undefined {
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === 'bearer') return value;
  if (scheme !== 'basic') return undefined;
  const [, ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
  return password.join(':');
}

function isRoute(found: Route | TunnelError | undefined): found is Route {
  return found !== undefined && !(found instanceof TunnelError);
}

function asError(found: Route | TunnelError | undefined): TunnelError | undefined {
  return found instanceof TunnelError ? found : undefined;
}

function isSameRoute(one: Route, other: Route): boolean {
  // names may hold slashes, so their joined texts do not tell
  return (
    one.agent === other.agent &&
    one.service.type === other.service.type &&
    one.service.name === other.service.name
  );
}

function missing(): TunnelError {
  return new TunnelError(
    'CREDENTIAL_MISSING',
    'no credential was sent; a client certificate, X-Opsmx-Token, Bearer token or Basic password is needed',
  );
}
