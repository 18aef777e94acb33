/**
 * Fields of a certificate that `X509Certificate` does not offer, or offers only as text that would have
 * to be taken apart again: the subject as bytes, every OU, every SAN URI, key usage, key identifier.
 * Read from the DER, so that no value of a name can look like another name. Nothing is verified here.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import { DER_TAG, derChildren, derText, readDer, type DerElement } from './der-element.js';

/** What this project reads from certificates beyond `X509Certificate`. */
export interface CertificateFields {
  /** The subject Name as it stands in the certificate, for use as the issuer of others. */
  readonly subjectDer: Buffer;
  /** The issuer Name as it stands in the certificate. */
  readonly issuerDer: Buffer;
  /** Every OrganizationalUnit of the subject, in the order of the certificate. */
  readonly organizationalUnits: readonly string[];
  /** Every uniformResourceIdentifier of the subject alternative names. */
  readonly uris: readonly string[];
  /** Whether keyUsage allows signing certificates; undefined when the extension is absent. */
  readonly maySignCertificates: boolean | undefined;
  /** The subject key identifier, or SHA-1 of the public key (RFC 5280 4.2.1.2) when there is none. */
  readonly keyIdentifier: Buffer;
}

/** Contents of the object identifiers used here. */
const OID = {
  organizationalUnit: Buffer.from('55040b', 'hex'), // 2.5.4.11
  subjectKeyIdentifier: Buffer.from('551d0e', 'hex'), // 2.5.29.14
  keyUsage: Buffer.from('551d0f', 'hex'), // 2.5.29.15
  subjectAltName: Buffer.from('551d11', 'hex'), // 2.5.29.17
};
const EXPLICIT_VERSION = 0xa0;
const EXPLICIT_EXTENSIONS = 0xa3;
const SAN_URI = 0x86;
/** keyCertSign is bit 5, counted from the most significant bit of the first octet. */
const KEY_CERT_SIGN = 0x04;

/** Reads the fields; throws RangeError when the certificate is not the DER of RFC 5280 4.1. */
export function certificateFields(certificate: X509Certificate): CertificateFields {
  const [toBeSigned] = derChildren(readDer(certificate.raw));
  if (toBeSigned === undefined) throw new RangeError('certificate has no contents');
  const parts = derChildren(toBeSigned);
  if (parts[0]?.tag === EXPLICIT_VERSION) parts.shift();
  // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, then the optional ones
  const [, , issuer, , subject, publicKeyInfo, ...optional] = parts;
  if (issuer === undefined || subject === undefined || publicKeyInfo === undefined) {
    throw new RangeError('certificate lacks a field');
  }
  const extensions = extensionValues(optional);
  return {
    subjectDer: subject.whole,
    issuerDer: issuer.whole,
    organizationalUnits: organizationalUnits(subject),
    uris: sanUris(findExtension(extensions, OID.subjectAltName)),
    maySignCertificates: maySign(findExtension(extensions, OID.keyUsage)),
    keyIdentifier:
      findExtension(extensions, OID.subjectKeyIdentifier)?.contents ??
      keyIdentifierOf(publicKeyInfo.whole),
  };
}

/** The key identifier that a certificate for this SubjectPublicKeyInfo gets (RFC 5280 4.2.1.2, method 1). */
export function keyIdentifierOf(publicKeyInfoDer: Buffer): Buffer {
  const [, keyBits] = derChildren(readDer(publicKeyInfoDer));
  if (keyBits?.tag !== DER_TAG.bitString) throw new RangeError('public key has no bits');
  // The first octet of a BIT STRING counts unused bits and is not part of the key.
  return createHash('sha1').update(keyBits.contents.subarray(1)).digest();
}

function organizationalUnits(name: DerElement): string[] {
  return derChildren(name) // RelativeDistinguishedNames
    .flatMap((relativeName) => derChildren(relativeName))
    .map((attribute) => derChildren(attribute))
    .filter(([type]) => type?.contents.equals(OID.organizationalUnit))
    .flatMap(([, value]) => (value === undefined ? [] : [derText(value)]));
}

interface Extension {
  readonly id: Buffer;
  readonly value: DerElement;
}

function extensionValues(optionalParts: readonly DerElement[]): Extension[] {
  const wrapped = optionalParts.find((part) => part.tag === EXPLICIT_EXTENSIONS);
  const [list] = wrapped === undefined ? [] : derChildren(wrapped);
  if (list === undefined) return [];
  return derChildren(list).map((extension) => {
    const fields = derChildren(extension); // id, optional critical flag, value
    const id = fields[0];
    const value = fields.at(-1);
    if (id?.tag !== DER_TAG.objectId || value?.tag !== DER_TAG.octetString) {
      throw new RangeError('certificate has a malformed extension');
    }
    return { id: id.contents, value: readDer(value.contents) };
  });
}

function findExtension(extensions: readonly Extension[], id: Buffer): DerElement | undefined {
  return extensions.find((extension) => extension.id.equals(id))?.value;
}

function sanUris(subjectAltName: DerElement | undefined): string[] {
  if (subjectAltName === undefined) return [];
  return derChildren(subjectAltName)
    .filter((name) => name.tag === SAN_URI)
    .map((name) => name.contents.toString('latin1'));
}

function maySign(keyUsage: DerElement | undefined): boolean | undefined {
  if (keyUsage === undefined) return undefined;
  const firstBits = keyUsage.contents[1] ?? 0; // after the count of unused bits
  return (firstBits & KEY_CERT_SIGN) !== 0;
}
