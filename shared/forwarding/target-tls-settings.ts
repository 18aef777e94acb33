/**
 * CA, client certificate and key of a target, checked before they are used: every block of a bundle must
 * be a certificate, a key must fit its certificate. OpenSSL would ignore or report such faults only
 * when the first request fails.
 */
import type { NamedText } from '../certificates/pem-text.js';
import { certificatesIn } from '../certificates/pem-text.js';
import { pemPairFromText } from '../certificates/pem-pair.js';
import type { TargetTls } from './target.js';

/** What a configuration says of TLS; texts are PEM. */
export interface TlsMaterial {
  readonly ca: NamedText | undefined;
  readonly clientCertificate: ClientCertificateTexts | undefined;
  readonly serverName: string | undefined;
  readonly isVerified: boolean;
}

/** A client certificate as it was read; `what` is how messages call it. */
export interface ClientCertificateTexts {
  readonly certPem: string;
  readonly keyPem: string;
  readonly what: string;
}

/** Settings for tls.connect. Throws CERTIFICATE_INVALID that names the text at fault. */
export function targetTlsSettings(material: TlsMaterial, nowMs: number): TargetTls {
  const { ca, clientCertificate, serverName, isVerified } = material;
  const pair =
    clientCertificate && pemPairFromText(clientCertificate, nowMs, clientCertificate.what);
  return {
    // all CAs of a bundle count
    ca: ca && certificatesIn(ca).map(String).join(''),
    cert: pair?.certPem,
    key: pair?.keyPem,
    serverName,
    rejectUnauthorized: isVerified,
  };
}
