/**
 * PEM files as people have them: several blocks, text between them, old and new key labels.
 * Finds the blocks and says what is wrong with a file in words; knows nothing of what the blocks are for.
 * Used by `pem-pair.ts` and `ca-certificate.ts`.
 */
import { readFileSync } from 'node:fs';
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { errorText, nodeErrorCode, TunnelError } from '../errors.js';

/** A text and how to call it in messages, e.g. `key file "/app/secrets/ca/tls.key"`. */
export interface NamedText {
  readonly text: string;
  readonly name: string;
}

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
// The label is that of PKCS#8, PKCS#1 (RSA) or SEC1 (EC). An "EC PARAMETERS" block may come before.
const KEY_BLOCK =
  /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----([\s\S]*?)-----END \1PRIVATE KEY-----/;

/** Reads a file; throws CERTIFICATE_INVALID that names it. `kind` is e.g. `certificate file`. */
export function readNamedFile(path: string, kind: string): NamedText {
  const name = `${kind} ${JSON.stringify(path)}`;
  try {
    return { text: readFileSync(path, 'utf8'), name };
  } catch (cause) {
    throw certificateInvalid(`${name} ${whyUnreadable(cause)}`, cause);
  }
}

/** Every certificate in the text, first one first; throws CERTIFICATE_INVALID when there is none. */
export function certificatesIn(
  source: NamedText,
): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = source.text.match(CERTIFICATE_BLOCK) ?? [];
  const [first, ...others] = blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw certificateInvalid(`${source.name} holds a certificate that cannot be read`, cause);
    }
  });
  if (first !== undefined) return [first, ...others];
  if (KEY_BLOCK.test(source.text)) {
    throw certificateInvalid(
      `${source.name} holds a private key and no certificate; are certificate and key exchanged?`,
    );
  }
  throw certificateInvalid(
    `${source.name} holds no certificate; expected PEM with -----BEGIN CERTIFICATE-----`,
  );
}

/** The private key in the text and its PEM block; throws CERTIFICATE_INVALID when there is none to use. */
export function privateKeyIn(source: NamedText): { keyPem: string; key: KeyObject } {
  const found = KEY_BLOCK.exec(source.text);
  if (found === null) {
    throw certificateInvalid(
      `${source.name} holds no private key; expected PEM with -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY`,
    );
  }
  const [block, label, contents] = found;
  if (label?.includes('ENCRYPTED') === true || contents?.includes('ENCRYPTED') === true) {
    throw certificateInvalid(
      `${source.name} is protected by a passphrase; store it without one, for example with: openssl pkey -in KEY -out PLAIN-KEY`,
    );
  }
  try {
    return { keyPem: `${block}\n`, key: createPrivateKey(block) };
  } catch (cause) {
    // OpenSSL's text names its routines, never key material; it goes to the log with the cause.
    throw certificateInvalid(`${source.name} holds a private key that cannot be read`, cause);
  }
}

/** The error for all that can be wrong with certificate and key files. */
export function certificateInvalid(message: string, cause?: unknown): TunnelError {
  return new TunnelError('CERTIFICATE_INVALID', message, { cause });
}

function whyUnreadable(reason: unknown): string {
  const code = nodeErrorCode(reason) ?? '';
  if (code === 'ENOENT') return 'does not exist';
  if (code === 'EISDIR') return 'is a directory';
  if (code === 'EACCES' || code === 'EPERM') {
    return 'may not be read by this process; check its owner and mode';
  }
  return `cannot be read: ${errorText(reason)}`;
}
