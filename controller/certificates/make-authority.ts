/**
 * Makes a certificate authority where the operator supplies none: a key and a self-signed certificate.
 * Used by `fairlead ca init` and the demo; loading and using it is `authority.ts`.
 */
import type { Clock } from '../../shared/clock.js';
import { validityFrom } from './authority.js';
import { CA_RSA_BITS, newKeyPair, privateKeyPem, type KeyType } from './key-pair.js';
import { buildCertificate } from './x509-builder.js';

/** Ten years, as v3.5's make-ca. */
export const CA_VALIDITY_DAYS = 3650;

/** What the new CA is like. */
export interface NewAuthority {
  readonly keyType: KeyType;
  /** Common name of the CA. */
  readonly name: string;
}

/** Makes a CA valid for ten years; returns both parts as PEM. */
export async function makeCertificateAuthority(
  { keyType, name }: NewAuthority,
  clock: Clock,
): Promise<{ certPem: string; keyPem: string }> {
  const { privateKey, publicKey } = await newKeyPair(keyType, CA_RSA_BITS);
  const certificate = buildCertificate(
    {
      subject: [
        { name: 'organizationName', value: 'Fairlead' },
        { name: 'commonName', value: name },
      ],
      publicKey,
      validity: validityFrom(clock.now(), CA_VALIDITY_DAYS),
      extensions: [
        // It signs the certificates of holders and servers, never further CAs.
        { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
        { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
      ],
    },
    { key: privateKey, certificate: undefined },
  );
  return { certPem: certificate.toString(), keyPem: privateKeyPem(privateKey) };
}
