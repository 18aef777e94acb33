/**
 * Key pairs for certificates, and how a key signs certificates. All of it by node:crypto, as node-forge
 * has no elliptic curves. Used by the authority and by `make-authority.ts`.
 */
import { createPublicKey, generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { certificateInvalid } from '../../shared/certificates/pem-text.js';

/** What keys are made: ECDSA is P-256; RSA is as long as its use asks for. */
export type KeyType = 'ecdsa' | 'rsa';

/** A new key pair. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** How a key signs: the algorithm as X.509 names it, and the signature itself. */
export interface Signer {
  /** Object identifier of the signature algorithm. */
  readonly algorithmOid: string;
  /** PKCS#1 v1.5 wants explicit NULL parameters (RFC 3279 2.2.1), the others none at all. */
  readonly hasNullParameters: boolean;
  sign(bytes: Buffer): Buffer;
}

/** RSA modulus of leaf keys, as in v3.5. */
export const LEAF_RSA_BITS = 2048;
/** RSA modulus of a CA made here: 128 bits of security for ten years; v3.5's 4096 cost seconds to make. */
export const CA_RSA_BITS = 3072;

const generate = promisify(generateKeyPair);

/** Makes a key pair: P-256 takes under a millisecond, RSA some hundred off the event loop. */
export async function newKeyPair(type: KeyType, rsaBits: number): Promise<KeyPair> {
  return type === 'ecdsa'
    ? generate('ec', { namedCurve: 'P-256' })
    : generate('rsa', { modulusLength: rsaBits });
}

/**
 * A private key as PEM in its traditional form: `EC PRIVATE KEY` (SEC1) or `RSA PRIVATE KEY` (PKCS#1).
 * Not PKCS#8, though Go, OpenSSL and Node read all three: Java's Kubernetes clients recognise the algorithm
 * of a key by this label and take any other key for RSA (fabric8io/kubernetes-client#3535), and v3.5 wrote
 * the traditional form too, so whatever reads its files today reads this.
 */
export function privateKeyPem(key: KeyObject): string {
  const type = key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs1';
  return key.export({ type, format: 'pem' }).toString();
}

/** How this key signs certificates; throws CERTIFICATE_INVALID for kinds of keys that TLS peers do not accept. */
export function signerFor(key: KeyObject): Signer {
  const kind = key.asymmetricKeyType;
  if (kind === 'rsa') {
    return {
      algorithmOid: '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
      hasNullParameters: true,
      sign: (bytes) => sign('sha256', bytes, key),
    };
  }
  if (kind === 'ec') return ecdsaSigner(key);
  if (kind === 'ed25519') {
    return {
      algorithmOid: '1.3.101.112',
      hasNullParameters: false,
      sign: (bytes) => sign(null, bytes, key),
    };
  }
  throw certificateInvalid(
    `a CA key of type ${String(kind)} cannot be used; expected RSA, ECDSA (P-256, P-384, P-521) or Ed25519`,
  );
}

function ecdsaSigner(key: KeyObject): Signer {
  const curve = createPublicKey(key).asymmetricKeyDetails?.namedCurve;
  // Each curve with the hash of its strength (RFC 5758 3.2, RFC 5480 4).
  const hashes: Readonly<Record<string, readonly [hash: string, algorithmOid: string]>> = {
    prime256v1: ['sha256', '1.2.840.10045.4.3.2'],
    secp384r1: ['sha384', '1.2.840.10045.4.3.3'],
    secp521r1: ['sha512', '1.2.840.10045.4.3.4'],
  };
  const found = hashes[curve ?? ''];
  if (found === undefined) {
    throw certificateInvalid(
      `a CA key on the curve ${String(curve)} cannot be used; expected P-256, P-384 or P-521`,
    );
  }
  const [hash, algorithmOid] = found;
  return { algorithmOid, hasNullParameters: false, sign: (bytes) => sign(hash, bytes, key) };
}
