/**
 * In-band proof of an agent's identity, for links whose TLS ends at an ingress: a signature by the key
 * of the agent's certificate over a nonce of the controller. Signed at one end, checked at the other.
 */
import { createPrivateKey, randomBytes, sign, verify } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';

const CONTEXT = Buffer.from('fairlead-agent-proof-v1\0');
const NONCE_BYTES = 32;

/** A fresh nonce. */
export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

/** Signs a nonce with the agent's private key (PEM; RSA PKCS#1 v1.5 or ECDSA, SHA-256). */
export function signNonce(nonce: Buffer, keyPem: string): Buffer {
  return sign('sha256', Buffer.concat([CONTEXT, nonce]), createPrivateKey(keyPem));
}

/** Whether the holder of the certificate's key signed the nonce. */
export function isNonceSigned(
  nonce: Buffer,
  signature: Buffer,
  certificate: X509Certificate,
): boolean {
  return verify('sha256', Buffer.concat([CONTEXT, nonce]), certificate.publicKey, signature);
}
