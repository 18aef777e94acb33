/**
 * What a certificate says of its holder, written in two ways and read in either: the JSON object that
 * ISD v3.5 puts into the first OU, and a SAN URI. Used by the issuer, by everything that accepts a
 * certificate, and by agents to learn their own name. Leaves the chain, dates and key to TLS:
 * never ask for the identity of a certificate that has not been verified against the CA.
 *
 *     {"agent":"prod-eu","purpose":"agent"}                          fairlead:agent/prod-eu
 *     {"name":"k8s","type":"kubernetes","agent":"prod-eu","purpose":"service"}
 *                                                    fairlead:service/prod-eu/kubernetes/k8s
 *     {"name":"oes","purpose":"control"}                             fairlead:control/oes
 */
import type { X509Certificate } from 'node:crypto';
import { assertNever, TunnelError } from '../errors.js';
import { agentName, routeText, type AgentName, type Route } from '../ids.js';
import { certificateFields } from './certificate-fields.js';

/** What a certificate may be used for. */
export type CertificatePurpose = CertificateIdentity['purpose'];

/** Who holds a certificate. A control name may be empty in certificates of v3.5, never in new ones. */
export type CertificateIdentity =
  | { readonly purpose: 'agent'; readonly agent: AgentName }
  | { readonly purpose: 'service'; readonly route: Route }
  | { readonly purpose: 'control'; readonly name: string };

/** The texts by which a certificate carries an identity. */
export interface IdentityTexts {
  /** For the first OU. */
  readonly organizationalUnit: string;
  /** For the SAN: a URI without authority (RFC 3986 4.3), names percent-encoded. */
  readonly uri: string;
  /** For people, as O and CN show it; nothing reads it back. */
  readonly label: string;
}

const URI_SCHEME = 'fairlead:';
/** v3.5 sets no limit; this one keeps certificates and tokens within what TLS and HTTP servers accept. */
const MAX_NAME_LENGTH = 1024;

/**
 * The identity that a (verified) certificate carries.
 * Throws CREDENTIAL_REFUSED when it carries none, a broken one, or two that disagree.
 */
export function identityOfCertificate(certificate: X509Certificate): CertificateIdentity {
  const { organizationalUnit, uris } = identityFields(certificate);
  const fromUnit = identityFromUnit(organizationalUnit);
  const fromUri = identityFromUris(uris);
  if (fromUnit === undefined && fromUri === undefined) {
    throw refused(
      'the certificate does not say who holds it: neither a JSON object with a purpose in its first OU nor a fairlead: URI in its SAN; issue a new one',
    );
  }
  if (fromUnit !== undefined && fromUri !== undefined && !isSameIdentity(fromUnit, fromUri)) {
    throw refused(
      `the certificate names two holders: ${identityText(fromUnit)} in its OU, ${identityText(fromUri)} in its SAN; issue a new one`,
    );
  }
  // One of the two is there: both absent was refused above.
  return (fromUnit ?? fromUri) as CertificateIdentity;
}

/**
 * The texts that a certificate for this identity carries; the only writer of what `identityOfCertificate` reads.
 * Throws CONTROL_REQUEST_INVALID for names that are empty, too long, or not valid Unicode.
 */
export function textsOfIdentity(identity: CertificateIdentity): IdentityTexts {
  const names = namesOf(identity);
  names.forEach(checkName);
  return {
    organizationalUnit: JSON.stringify(unitOf(identity)),
    uri: `${URI_SCHEME}${[identity.purpose, ...names].map(encodeURIComponent).join('/')}`,
    label: identityText(identity),
  };
}

/** `agent prod-eu`, `service prod-eu/jenkins/ci`, `control oes`: for logs and messages. */
export function identityText(identity: CertificateIdentity): string {
  switch (identity.purpose) {
    case 'agent':
      return `agent ${identity.agent}`;
    case 'service':
      return `service ${routeText(identity.route)}`;
    case 'control':
      return `control ${identity.name}`;
    default:
      return assertNever(identity);
  }
}

/** Whether two identities are of the same purpose and names. */
export function isSameIdentity(one: CertificateIdentity, other: CertificateIdentity): boolean {
  if (one.purpose !== other.purpose) return false;
  const otherNames = namesOf(other);
  return namesOf(one).every((name, position) => name === otherNames[position]);
}

function identityFields(certificate: X509Certificate): {
  organizationalUnit: string | undefined;
  uris: string[];
} {
  try {
    const { organizationalUnits, uris } = certificateFields(certificate);
    return {
      // v3.5 looks at the first OU only, so a further one must not count here either.
      organizationalUnit: organizationalUnits[0],
      uris: uris.filter((uri) => uri.startsWith(URI_SCHEME)),
    };
  } catch (cause) {
    throw refused('the names in the certificate cannot be read', cause);
  }
}

function identityFromUnit(unit: string | undefined): CertificateIdentity | undefined {
  const json = unit?.startsWith('{') ? jsonObject(unit) : undefined;
  if (json?.['purpose'] === undefined) return undefined; // an OU of somebody else's making
  const text = (key: string): string => {
    const value = json[key] ?? '';
    if (typeof value !== 'string')
      throw refused(`"${key}" in the certificate's OU is not a string`);
    return value;
  };
  const names = { agent: text('agent'), type: text('type'), name: text('name') };
  switch (text('purpose')) {
    case 'agent':
      // v3.5's generateControlCredentials wrote purpose "agent" with a name and without an agent.
      if (names.agent === '') {
        throw refused(
          `the certificate has purpose "agent" but names no agent (v3.5 issued such control certificates by mistake); issue a new one`,
        );
      }
      return { purpose: 'agent', agent: agentName(names.agent) };
    case 'service':
      return serviceIdentity(names.agent, names.type, names.name);
    case 'control':
      return { purpose: 'control', name: names.name };
    default:
      throw refused('the certificate has an unknown purpose; expected agent, service or control');
  }
}

function identityFromUris(uris: readonly string[]): CertificateIdentity | undefined {
  const [uri, second] = uris;
  if (uri === undefined) return undefined;
  if (second !== undefined) throw refused('the certificate has several fairlead: URIs in its SAN');
  const [purpose, ...names] = uri.slice(URI_SCHEME.length).split('/').map(decodeSegment);
  const [first = '', type = '', name = ''] = names;
  if (purpose === 'agent' && names.length === 1 && first !== '') {
    return { purpose, agent: agentName(first) };
  }
  if (purpose === 'control' && names.length === 1 && first !== '') return { purpose, name: first };
  if (purpose === 'service' && names.length === 3) return serviceIdentity(first, type, name);
  throw refused(
    'the fairlead: URI in the certificate is not of the form agent/…, service/…/…/… or control/…',
  );
}

function serviceIdentity(agent: string, type: string, name: string): CertificateIdentity {
  if (agent === '' || type === '' || name === '') {
    throw refused('the certificate has purpose "service" but lacks an agent, type or name');
  }
  return { purpose: 'service', route: { agent: agentName(agent), service: { type, name } } };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw refused('the fairlead: URI in the certificate is not well percent-encoded', cause);
  }
}

function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // A text that starts with "{" can only parse to an object.
    return value as Record<string, unknown>;
  } catch {
    return undefined; // not JSON, so not v3.5's OU: somebody's department may start with a brace
  }
}

/** v3.5's object, its keys in v3.5's order. */
function unitOf(identity: CertificateIdentity): Record<string, string> {
  const { purpose } = identity;
  switch (purpose) {
    case 'agent':
      return { agent: identity.agent, purpose };
    case 'service': {
      const { agent, service } = identity.route;
      return { name: service.name, type: service.type, agent, purpose };
    }
    case 'control':
      return { name: identity.name, purpose };
    default:
      return assertNever(purpose);
  }
}

function namesOf(identity: CertificateIdentity): string[] {
  switch (identity.purpose) {
    case 'agent':
      return [identity.agent];
    case 'service':
      return [identity.route.agent, identity.route.service.type, identity.route.service.name];
    case 'control':
      return [identity.name];
    default:
      return assertNever(identity);
  }
}

function checkName(name: string): void {
  if (name === '') throw new TunnelError('CONTROL_REQUEST_INVALID', 'a name is empty');
  if (name.length > MAX_NAME_LENGTH) {
    throw new TunnelError(
      'CONTROL_REQUEST_INVALID',
      `a name is ${name.length} characters long; at most ${MAX_NAME_LENGTH} are allowed`,
    );
  }
  // A surrogate without its partner has no UTF-8 form, so no certificate can carry it.
  if (/\p{Surrogate}/u.test(name)) {
    throw new TunnelError('CONTROL_REQUEST_INVALID', 'a name is not valid Unicode');
  }
}

function refused(message: string, cause?: unknown): TunnelError {
  return new TunnelError('CREDENTIAL_REFUSED', message, { cause });
}
