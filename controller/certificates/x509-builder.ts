/**
 * Builds and signs one X.509 certificate. node-forge lays out the structure; issuer, algorithms and public
 * key, which it knows for RSA only, are then replaced in that structure, and node:crypto signs it. That way
 * RSA and ECDSA CAs both work. Forge parses and verifies nothing here.
 */
import { randomBytes, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import {
  certificateFields,
  keyIdentifierOf,
} from '../../shared/certificates/certificate-fields.js';
import type { Validity } from '../../shared/certificates/validity.js';
import { TunnelError } from '../../shared/errors.js';
import { signerFor } from './key-pair.js';

/** A subject attribute; always written as UTF8String. */
export interface SubjectAttribute {
  readonly name: 'organizationName' | 'organizationalUnitName' | 'commonName';
  readonly value: string;
}

/** An extension in node-forge's own notation. */
export interface Extension {
  readonly name: 'basicConstraints' | 'keyUsage' | 'extKeyUsage' | 'subjectAltName';
  readonly critical?: boolean;
  readonly [option: string]: unknown;
}

/** Who signs. */
export interface Issuer {
  readonly key: KeyObject;
  /** Undefined makes a self-signed certificate. */
  readonly certificate: X509Certificate | undefined;
}

/** What to certify. */
export interface CertificateContents {
  readonly subject: readonly SubjectAttribute[];
  readonly publicKey: KeyObject;
  readonly validity: Validity;
  readonly extensions: readonly Extension[];
}

// Places in the TBSCertificate that forge lays out: version, serial, signature, issuer, validity, subject, key.
const SIGNATURE = 2;
const ISSUER = 3;
const PUBLIC_KEY = 6;

/** Builds the certificate and signs it. */
export function buildCertificate(contents: CertificateContents, issuer: Issuer): X509Certificate {
  const publicKeyDer = contents.publicKey.export({ type: 'spki', format: 'der' });
  const issuerFields =
    issuer.certificate === undefined ? undefined : certificateFields(issuer.certificate);
  const signer = signerFor(issuer.key);
  const algorithm = algorithmAsn1(signer.algorithmOid, signer.hasNullParameters);

  const template = templateOf(contents, {
    signatureOid: signer.algorithmOid,
    subjectKeyIdentifier: keyIdentifierOf(publicKeyDer),
    authorityKeyIdentifier: issuerFields?.keyIdentifier ?? keyIdentifierOf(publicKeyDer),
  });
  const [toBeSigned] = partsOf(forge.pki.certificateToAsn1(template));
  if (toBeSigned === undefined) throw new TunnelError('INTERNAL', 'empty certificate template');
  const parts = partsOf(toBeSigned);
  parts[SIGNATURE] = algorithm;
  parts[PUBLIC_KEY] = asn1Of(publicKeyDer);
  if (issuerFields !== undefined) parts[ISSUER] = asn1Of(issuerFields.subjectDer);

  const signature = signer.sign(derOf(toBeSigned));
  const certificate = new X509Certificate(derOf(signedAsn1(toBeSigned, algorithm, signature)));
  assertSound(certificate, issuer);
  return certificate;
}

/** 16 random bytes, positive and without leading zeros in DER, well within RFC 5280's 20. */
function newSerialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x7f) | 0x40, 0);
  return bytes.toString('hex');
}

function templateOf(
  contents: CertificateContents,
  computed: {
    signatureOid: string;
    subjectKeyIdentifier: Buffer;
    authorityKeyIdentifier: Buffer;
  },
): forge.pki.Certificate {
  const template = forge.pki.createCertificate();
  template.serialNumber = newSerialNumber();
  template.validity.notBefore = new Date(contents.validity.notBefore);
  template.validity.notAfter = new Date(contents.validity.notAfter);
  const attributes = contents.subject.map(({ name, value }) => ({
    name,
    value,
    // forge's types call the tag a class; the encoder takes the number of the string type.
    valueTagClass: forge.asn1.Type.UTF8 as unknown as forge.asn1.Class,
  }));
  template.setSubject(attributes);
  template.setIssuer(attributes); // right for a self-signed certificate, replaced otherwise
  template.setExtensions([
    ...contents.extensions.map((extension) => ({ ...extension })), // forge writes into them
    { id: '2.5.29.14', value: octetString(computed.subjectKeyIdentifier) },
    {
      name: 'authorityKeyIdentifier',
      keyIdentifier: computed.authorityKeyIdentifier.toString('latin1'),
    },
  ]);
  // A placeholder: forge can lay out no other kind of key, and this one is replaced.
  const one = new forge.jsbn.BigInteger('1');
  template.publicKey = forge.pki.setRsaPublicKey(one, one);
  template.siginfo.algorithmOid = computed.signatureOid;
  template.signatureOid = computed.signatureOid;
  template.signature = ''; // made by node:crypto afterwards
  return template;
}

function partsOf(sequence: forge.asn1.Asn1): forge.asn1.Asn1[] {
  if (typeof sequence.value === 'string') throw new TunnelError('INTERNAL', 'not a sequence');
  return sequence.value;
}

function algorithmAsn1(oid: string, hasNullParameters: boolean): forge.asn1.Asn1 {
  const { Class, Type, create, oidToDer } = forge.asn1;
  const children = [create(Class.UNIVERSAL, Type.OID, false, oidToDer(oid).getBytes())];
  if (hasNullParameters) children.push(create(Class.UNIVERSAL, Type.NULL, false, ''));
  return create(Class.UNIVERSAL, Type.SEQUENCE, true, children);
}

function signedAsn1(
  toBeSigned: forge.asn1.Asn1,
  algorithm: forge.asn1.Asn1,
  signature: Buffer,
): forge.asn1.Asn1 {
  const { Class, Type, create } = forge.asn1;
  const noUnusedBits = '\0';
  return create(Class.UNIVERSAL, Type.SEQUENCE, true, [
    toBeSigned,
    algorithm,
    create(Class.UNIVERSAL, Type.BITSTRING, false, noUnusedBits + signature.toString('latin1')),
  ]);
}

function octetString(bytes: Buffer): forge.asn1.Asn1 {
  const { Class, Type, create } = forge.asn1;
  return create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes.toString('latin1'));
}

/** Bytes of our own making or already read by OpenSSL, as a part of forge's tree; bit strings stay closed. */
function asn1Of(der: Buffer): forge.asn1.Asn1 {
  const options = { strict: true, decodeBitStrings: false, parseAllBytes: true };
  // forge takes these options or the value of `strict`; its types know the latter only.
  return forge.asn1.fromDer(der.toString('latin1'), options as unknown as boolean);
}

function derOf(asn1: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'latin1');
}

/** Reads back what was built: a certificate that does not chain must never leave this process. */
function assertSound(certificate: X509Certificate, issuer: Issuer): void {
  const issuerCertificate = issuer.certificate ?? certificate;
  const { issuerDer } = certificateFields(certificate);
  if (!issuerDer.equals(certificateFields(issuerCertificate).subjectDer)) {
    throw new TunnelError('INTERNAL', "a certificate just built does not bear its CA's name");
  }
  if (!certificate.verify(issuerCertificate.publicKey)) {
    throw new TunnelError('INTERNAL', 'a certificate just built does not verify against its CA');
  }
}
