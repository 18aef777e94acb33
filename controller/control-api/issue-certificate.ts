/**
 * Issues a certificate for an endpoint and writes it into the audit log; no endpoint issues one past this.
 */
import type { CertificateIdentity } from '../../shared/certificates/certificate-identity.js';
import type { ControlApiParts, IssuedCertificate } from './control-api-parts.js';
import type { Operator } from './operator-auth.js';

/** A new certificate for the identity, recorded as issued at the operator's request. */
export async function issueCertificate(
  parts: Pick<ControlApiParts, 'certificates' | 'audit'>,
  operator: Operator,
  identity: CertificateIdentity,
): Promise<IssuedCertificate> {
  const issued = await parts.certificates.issue(identity);
  parts.audit.certificateIssued(operator, identity, issued);
  return issued;
}

/** PEM as base64 text, the form in which v3.5 puts it into JSON. */
export function base64Pem(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
