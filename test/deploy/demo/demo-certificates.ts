/** Certificates for the demo servers' tests, made at run time. Keys by node:crypto, X.509 by node-forge. */
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

/** A key and its certificate, PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/** A CA with a server certificate for loopback and a client certificate. */
export interface DemoCertificates {
  readonly ca: KeyAndCertificate;
  readonly server: KeyAndCertificate;
  /** Common name `demo-client`. */
  readonly client: KeyAndCertificate;
}

/** Makes a fresh set. */
export function createDemoCertificates(): DemoCertificates {
  const ca = issue('demo-ca');
  return { ca, server: issue('demo-server', ca), client: issue('demo-client', ca) };
}

let serial = 0;

function issue(commonName: string, issuer?: KeyAndCertificate): KeyAndCertificate {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  serial += 1;
  certificate.serialNumber = `0${serial}`;
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  const signer = issuer === undefined ? undefined : forge.pki.certificateFromPem(issuer.cert);
  certificate.setIssuer(signer?.subject.attributes ?? certificate.subject.attributes);
  certificate.setExtensions(
    issuer === undefined
      ? [{ name: 'basicConstraints', cA: true }]
      : [
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: 'localhost' },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
  );
  const key = forge.pki.privateKeyFromPem(issuer?.key ?? pair.privateKey);
  certificate.sign(key, forge.md.sha256.create());
  return { key: pair.privateKey, cert: forge.pki.certificateToPem(certificate) };
}
