/**
 * Who is calling the control API: the holder of a client certificate with purpose `control`.
 * v3.5 refused other certificates while the TLS handshake was still going on, which clients saw as
 * "bad certificate" or a reset, and nobody could tell why. Here the handshake accepts any
 * certificate (or none) and this file refuses by an HTTP answer that says what is wrong.
 * The rule itself is as strict: chain, dates and purpose are checked for every request.
 */
import type { X509Certificate } from 'node:crypto';
import {
  identityOfCertificate,
  identityText,
  type CertificateIdentity,
} from '../../shared/certificates/certificate-identity.js';
import { whyNotValid } from '../../shared/certificates/validity.js';
import { errorText, TunnelError } from '../../shared/errors.js';

/** What the TLS connection of a request shows of its client. */
export interface ClientCertificate {
  /** The certificate the client proved to hold the key of, if it presented one. */
  readonly certificate: X509Certificate | undefined;
  /** Undefined when its chain ends at our CA, else Node's code for what is wrong with it. */
  readonly chainError: string | undefined;
}

/** A caller of the control API whose certificate has been accepted. */
export interface Operator {
  /** The name in the certificate; certificates of v3.5 may have an empty one. */
  readonly name: string;
  /** SHA-256 fingerprint of the certificate, for the audit log. */
  readonly fingerprint256: string;
}

/**
 * The operator behind a client certificate. Throws CONTROL_REFUSED for a missing, foreign or outdated
 * certificate, PURPOSE_REFUSED for one of an agent or a service; both become 403, as in v3.5.
 */
export function operatorOf(client: ClientCertificate, nowMs: number): Operator {
  const { certificate } = client;
  if (certificate === undefined) {
    throw refused(
      'no client certificate was presented; the control API needs one with purpose control',
    );
  }
  // Checked for every request: a connection may outlive the certificate it began with.
  const fault = whyNotValid(certificate, nowMs);
  if (fault !== undefined) throw refused(`the client certificate ${fault}; issue a new one`);
  if (client.chainError !== undefined) {
    throw refused(
      `the client certificate was not issued by the CA of this controller (${client.chainError})`,
    );
  }
  const identity = identityOf(certificate);
  if (identity.purpose !== 'control') {
    throw new TunnelError(
      'PURPOSE_REFUSED',
      `certificate is not authorized for 'control': it was issued to ${identityText(identity)}`,
    );
  }
  return { name: identity.name, fingerprint256: certificate.fingerprint256 };
}

function identityOf(certificate: X509Certificate): CertificateIdentity {
  try {
    return identityOfCertificate(certificate);
  } catch (reason) {
    // Elsewhere a certificate without identity is answered 401; the control API knows only 403.
    throw refused(errorText(reason), reason);
  }
}

function refused(message: string, cause?: unknown): TunnelError {
  return new TunnelError('CONTROL_REFUSED', message, { cause });
}
