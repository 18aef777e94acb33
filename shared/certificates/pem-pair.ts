/**
 * A certificate and its private key, from two files or two texts: the CA's pair, an agent's pair, an
 * operator's pair. Checks that they belong together and are valid now; who the holder is and who signed
 * it is the business of others.
 */
import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import {
  certificateInvalid,
  certificatesIn,
  privateKeyIn,
  readNamedFile,
  type NamedText,
} from './pem-text.js';
import { whyNotValid } from './validity.js';

/** Paths of a pair. */
export interface PemPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate with its key. */
export interface PemPair {
  /** The first certificate of the source and all that follow it there, as PEM. */
  readonly certPem: string;
  /** The key as it stood in the source (PKCS#8, PKCS#1 or SEC1). */
  readonly keyPem: string;
  /** The first certificate: the holder's own. */
  readonly certificate: X509Certificate;
  /** All certificates of the source, the holder's own first. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly key: KeyObject;
}

/**
 * Reads and checks a pair of files. `nowMs` is ms since the epoch. Reads synchronously: for start and reload.
 * Throws CERTIFICATE_INVALID that names the file and what is wrong with it.
 */
export function readPemPair(files: PemPairFiles, nowMs: number): PemPair {
  return checkedPair(
    readNamedFile(files.certFile, 'certificate file'),
    readNamedFile(files.keyFile, 'key file'),
    nowMs,
  );
}

/** As `readPemPair`, for texts; `what` names the pair in messages, e.g. `agent`. */
export function pemPairFromText(
  texts: { readonly certPem: string; readonly keyPem: string },
  nowMs: number,
  what = 'given',
): PemPair {
  return checkedPair(
    { text: texts.certPem, name: `the ${what} certificate` },
    { text: texts.keyPem, name: `the ${what} key` },
    nowMs,
  );
}

function checkedPair(certSource: NamedText, keySource: NamedText, nowMs: number): PemPair {
  const chain = certificatesIn(certSource);
  const [certificate] = chain;
  const { key, keyPem } = privateKeyIn(keySource);
  if (!isKeyOf(certificate, key)) {
    throw certificateInvalid(
      `${keySource.name} is not the key of ${certSource.name}; store the two that were issued together`,
    );
  }
  const fault = whyNotValid(certificate, nowMs);
  if (fault !== undefined) throw certificateInvalid(`${certSource.name} ${fault}`);
  return { certPem: chain.map(String).join(''), keyPem, certificate, chain, key };
}

function isKeyOf(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return createPublicKey(key).equals(certificate.publicKey);
  } catch {
    return false; // a kind of key that OpenSSL cannot compare is not one that we can use
  }
}
