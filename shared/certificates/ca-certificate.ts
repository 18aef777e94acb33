/**
 * CA certificates that somebody trusts: an agent its controller's, a client command the control API's,
 * the authority its own. Checks that they are CAs and valid now.
 */
import type { X509Certificate } from 'node:crypto';
import { certificateFields } from './certificate-fields.js';
import { certificateInvalid, certificatesIn, readNamedFile, type NamedText } from './pem-text.js';
import { whyNotValid } from './validity.js';

/** Where CA certificates come from: a file, or PEM text with a name for messages (e.g. `caCert64`). */
export type CaCertificateSource =
  { readonly file: string } | { readonly text: string; readonly name: string };

/** CA certificates to trust. */
export interface CaCertificates {
  /** All of them as PEM, for `ca` of a TLS context. */
  readonly caPem: string;
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

/**
 * Reads CA certificates. Each must be a CA; during a change of CA some may be out of date, but one must
 * be valid at `nowMs` (ms since the epoch). Throws CERTIFICATE_INVALID that names the source and the fault.
 */
export function readCaCertificate(source: CaCertificateSource, nowMs: number): CaCertificates {
  const named: NamedText =
    'file' in source ? readNamedFile(source.file, 'CA certificate file') : source;
  const certificates = certificatesIn(named);
  for (const certificate of certificates) {
    const fault = whyNoCa(certificate);
    if (fault !== undefined) throw certificateInvalid(`${named.name} ${fault}`);
  }
  const faults = certificates.map((certificate) => whyNotValid(certificate, nowMs));
  if (!faults.includes(undefined)) throw certificateInvalid(`${named.name} ${String(faults[0])}`);
  return { caPem: certificates.map(String).join(''), certificates };
}

/** Why a certificate is none of a CA, as the end of a sentence; undefined when it is one. */
export function whyNoCa(certificate: X509Certificate): string | undefined {
  // `ca` is also false when keyUsage rules out signing, so that reason is looked for first.
  if (certificateFields(certificate).maySignCertificates === false) {
    return 'is not the certificate of a CA: its key usage lacks keyCertSign';
  }
  if (!certificate.ca) {
    return 'is not the certificate of a CA: its basic constraints do not say CA:TRUE';
  }
  return undefined;
}
