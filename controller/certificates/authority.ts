/**
 * The certificate authority: the supplied certificate and key, and every certificate issued from them.
 * Used by the control API (agents, services, operators), by `server-certificate.ts` and by `fairlead ca init`.
 * It keeps no record of what it issued: like v3.5, whoever shows a certificate of this CA is its holder.
 */
import type { X509Certificate } from 'node:crypto';
import { whyNoCa } from '../../shared/certificates/ca-certificate.js';
import {
  textsOfIdentity,
  type CertificateIdentity,
} from '../../shared/certificates/certificate-identity.js';
import { certificateInvalid } from '../../shared/certificates/pem-text.js';
import {
  pemPairFromText,
  readPemPair,
  type PemPair,
  type PemPairFiles,
} from '../../shared/certificates/pem-pair.js';
import {
  isoTime,
  validityOf,
  whyNotValid,
  type Validity,
} from '../../shared/certificates/validity.js';
import type { Clock } from '../../shared/clock.js';
import { LEAF_RSA_BITS, newKeyPair, privateKeyPem, signerFor, type KeyType } from './key-pair.js';
import { subjectAltNames } from './server-names.js';
import { buildCertificate, type Extension, type SubjectAttribute } from './x509-builder.js';

/** A certificate with its key, fresh from the authority. */
export interface IssuedCertificate {
  /** The certificate, followed by the authority's own if that is an intermediate one. */
  readonly certPem: string;
  /** SEC1 or PKCS#1 (see `privateKeyPem`). */
  readonly keyPem: string;
  /** ms since the epoch. */
  readonly notBefore: number;
  /** ms since the epoch. */
  readonly notAfter: number;
  /** SHA-256 of the certificate, as openssl prints it. */
  readonly fingerprint256: string;
}

/** Choices of one certificate; the defaults are right outside tests. */
export interface IssueOptions {
  /** Default: from a minute ago for `LEAF_VALIDITY_DAYS`. Never later than the end of the CA. */
  readonly validity?: Validity;
}

/** Choices of an authority. */
export interface AuthorityOptions {
  /** Kind of the keys of issued certificates. Default ecdsa; rsa for clients that know nothing else. */
  readonly leafKeyType?: KeyType;
}

/** One year, as v3.5: long enough to plan its renewal, short enough to notice when nobody did. */
export const LEAF_VALIDITY_DAYS = 365;
/** A fresh certificate must not look too young to a peer whose clock is slow. */
const BACKDATED_MS = 60_000;
const DAY_MS = 86_400_000;
/** Shorter than what is left of a CA in its last quarter: time to replace it everywhere. */
const CA_END_WARNING_DAYS = 90;
const MIN_CA_RSA_BITS = 2048;
/** X.520's upper bound for CN and O. The OU has to exceed its own, as in v3.5; nobody reads the label. */
const MAX_LABEL_LENGTH = 64;

/** Issues certificates from one CA certificate and key. */
export class CertificateAuthority {
  /** Every CA certificate of the source, which all are to be trusted. */
  readonly caPem: string;
  /** The one that issues: the first of the source. */
  readonly certificate: X509Certificate;
  /** Every CA certificate of the source: what each of them issued is accepted. */
  readonly trusted: readonly X509Certificate[];
  /** What an operator should know at start, one sentence each; empty when all is well. */
  readonly warnings: readonly string[];
  private readonly issuedSuffix: string;

  /** Takes a pair that is valid now; throws CERTIFICATE_INVALID when it is not one of a CA. */
  constructor(
    private readonly pair: PemPair,
    private readonly clock: Clock,
    private readonly options: AuthorityOptions = {},
  ) {
    for (const certificate of pair.chain) {
      const fault = whyNoCa(certificate);
      if (fault !== undefined) throw certificateInvalid(`${caName(certificate)} ${fault}`);
    }
    signerFor(pair.key); // refuses kinds of keys that cannot sign certificates
    this.caPem = pair.certPem;
    this.certificate = pair.certificate;
    this.trusted = pair.chain;
    this.warnings = warningsAbout(pair, clock.now());
    // A peer that trusts only the root needs the certificates in between.
    this.issuedSuffix = pair.chain
      .filter((one) => !isSelfIssued(one))
      .map(String)
      .join('');
  }

  /** Issues a client certificate that says who holds it. */
  async issue(
    identity: CertificateIdentity,
    options: IssueOptions = {},
  ): Promise<IssuedCertificate> {
    const { organizationalUnit, uri, label } = textsOfIdentity(identity);
    return this.issueLeaf(
      [
        { name: 'organizationName', value: 'Fairlead' },
        { name: 'organizationalUnitName', value: organizationalUnit },
        { name: 'commonName', value: asLabel(label) },
      ],
      [
        { name: 'extKeyUsage', clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 6, value: uri }] },
      ],
      options,
    );
  }

  /** Issues a server certificate for DNS names (wildcards included) and IP addresses. */
  async issueServerCertificate(
    names: readonly string[],
    options: IssueOptions = {},
  ): Promise<IssuedCertificate> {
    return this.issueLeaf(
      [
        { name: 'organizationName', value: 'Fairlead' },
        { name: 'commonName', value: 'Fairlead controller' },
      ],
      [
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: subjectAltNames(names) },
      ],
      options,
    );
  }

  private async issueLeaf(
    subject: readonly SubjectAttribute[],
    extensions: readonly Extension[],
    { validity: wanted }: IssueOptions,
  ): Promise<IssuedCertificate> {
    const keyType = this.options.leafKeyType ?? 'ecdsa';
    const { privateKey, publicKey } = await newKeyPair(keyType, LEAF_RSA_BITS);
    const validity = this.withinCa(wanted ?? validityFrom(this.clock.now(), LEAF_VALIDITY_DAYS));
    const certificate = buildCertificate(
      {
        subject,
        publicKey,
        validity,
        extensions: [
          { name: 'basicConstraints', critical: true, cA: false },
          // Only RSA key exchange enciphers keys; an ECDSA key can do nothing but sign.
          {
            name: 'keyUsage',
            critical: true,
            digitalSignature: true,
            keyEncipherment: keyType === 'rsa',
          },
          ...extensions,
        ],
      },
      { key: this.pair.key, certificate: this.certificate },
    );
    return {
      certPem: certificate.toString() + this.issuedSuffix,
      keyPem: privateKeyPem(privateKey),
      ...validityOf(certificate),
      fingerprint256: certificate.fingerprint256,
    };
  }

  private withinCa(validity: Validity): Validity {
    const fault = whyNotValid(this.certificate, this.clock.now());
    if (fault !== undefined) {
      throw certificateInvalid(
        `${caName(this.certificate)} ${fault}; it cannot issue certificates`,
      );
    }
    const caEnd = validityOf(this.certificate).notAfter;
    return { notBefore: validity.notBefore, notAfter: Math.min(validity.notAfter, caEnd) };
  }
}

/** Reads the CA's files and checks them; throws CERTIFICATE_INVALID that says which and why. */
export function loadCertificateAuthority(
  files: PemPairFiles,
  clock: Clock,
  options: AuthorityOptions = {},
): CertificateAuthority {
  return new CertificateAuthority(readPemPair(files, clock.now()), clock, options);
}

/** As `loadCertificateAuthority`, from PEM texts. */
export function certificateAuthorityFromPem(
  texts: { readonly certPem: string; readonly keyPem: string },
  clock: Clock,
  options: AuthorityOptions = {},
): CertificateAuthority {
  return new CertificateAuthority(pemPairFromText(texts, clock.now(), 'CA'), clock, options);
}

/** From a minute before `nowMs`, for that many days. */
export function validityFrom(nowMs: number, days: number): Validity {
  return { notBefore: nowMs - BACKDATED_MS, notAfter: nowMs + days * DAY_MS };
}

function warningsAbout(pair: PemPair, nowMs: number): string[] {
  const warnings: string[] = [];
  const { certificate, chain } = pair;
  const end = validityOf(certificate).notAfter;
  if (end - nowMs < CA_END_WARNING_DAYS * DAY_MS) {
    warnings.push(
      `${caName(certificate)} expires on ${isoTime(end)}; every certificate issued from it ends then at the latest`,
    );
  }
  // what is in the file is trusted, and with a CA above the issuing one all others below it
  const above = chain.find(
    (one) =>
      one !== certificate && certificate.checkIssued(one) && certificate.verify(one.publicKey),
  );
  if (above !== undefined) {
    warnings.push(
      `${caName(above)} has issued ${caName(certificate)} and is in the file, too: certificates of every CA below it are accepted; take it out unless it signs for Fairlead only`,
    );
  }
  const rsaBits = certificate.publicKey.asymmetricKeyDetails?.modulusLength;
  if (rsaBits !== undefined && rsaBits < MIN_CA_RSA_BITS) {
    warnings.push(
      `${caName(certificate)} has an RSA key of ${rsaBits} bits; many clients refuse less than ${MIN_CA_RSA_BITS}`,
    );
  }
  return warnings;
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate);
}

/** `the CA certificate "CN=…, O=…"`: subjects span lines in Node's notation. */
function caName(certificate: X509Certificate): string {
  return `the CA certificate ${JSON.stringify(certificate.subject.split('\n').join(', '))}`;
}

function asLabel(text: string): string {
  // By code points, so that no character is cut in half; control characters would only confuse readers.
  const printable = text.replace(/\p{Cc}/gu, ' ');
  return Array.from(printable).slice(0, MAX_LABEL_LENGTH).join('');
}
