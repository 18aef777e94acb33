/**
 * What a target accepts as proof of who calls, and the header it becomes. Where credentials come
 * from is credential-source.ts, when they are fetched refreshed-value.ts.
 */
import { SecretValue } from '../config/secret-value.js';
import { assertNever, errorText, TunnelError } from '../errors.js';
import { readTargetFile } from './target-file.js';

/** A certificate that an exec plugin issued, PEM; replaces the one of the configuration. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: SecretValue;
}

/** A credential for a target, white space at its ends removed. */
export type TargetCredential = (
  | { readonly type: 'none' }
  | { readonly type: 'basic'; readonly username: SecretValue; readonly password: SecretValue }
  /** `Authorization: Bearer …` */
  | { readonly type: 'bearer'; readonly token: SecretValue }
  /** `Authorization: Token …`, as Artifactory and Argo like it */
  | { readonly type: 'token'; readonly token: SecretValue }
) & { readonly clientCertificate?: ClientCertificate | undefined };

/** The kinds that a configuration can name. */
export const CREDENTIAL_TYPES = ['none', 'basic', 'bearer', 'token'] as const;
export type CredentialType = (typeof CREDENTIAL_TYPES)[number];

/** The value of the Authorization header; undefined for none. */
export function authorizationValue(credential: TargetCredential): string | undefined {
  switch (credential.type) {
    case 'none':
      return undefined;
    case 'basic': {
      const pair = `${credential.username.reveal()}:${credential.password.reveal()}`;
      return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
    }
    case 'bearer':
      return `Bearer ${credential.token.reveal()}`;
    case 'token':
      return `Token ${credential.token.reveal()}`;
    default:
      return assertNever(credential);
  }
}

/** The texts of a credential as they were read, by the names that configuration and Secrets use. */
export interface CredentialTexts {
  readonly username?: SecretValue | undefined;
  readonly password?: SecretValue | undefined;
  readonly token?: SecretValue | undefined;
}

/**
 * A credential made of texts as people store them, trailing newlines included. Throws
 * TARGET_CREDENTIAL_FAILED that names the text at fault; `origin` says where they came from.
 */
export function credentialFromTexts(
  type: CredentialType,
  texts: CredentialTexts,
  origin: string,
): TargetCredential {
  const text = (name: keyof CredentialTexts): SecretValue => {
    const trimmed = texts[name]?.reveal().trim() ?? '';
    if (trimmed === '') throw credentialFailed(`${origin}: ${name} is missing or empty`);
    return new SecretValue(trimmed);
  };
  switch (type) {
    case 'none':
      return { type };
    case 'basic':
      return { type, username: text('username'), password: text('password') };
    case 'bearer':
    case 'token':
      return { type, token: headerToken(text('token'), origin) };
    default:
      return assertNever(type);
  }
}

function headerToken(token: SecretValue, origin: string): SecretValue {
  if (/^[\x21-\x7e]+$/.test(token.reveal())) return token;
  throw credentialFailed(
    `${origin}: token holds white space or characters that no header can carry; expected one line of text`,
  );
}

/** The text of a file that a credential needs. Throws TARGET_CREDENTIAL_FAILED that names it. */
export async function readCredentialFile(path: string, what: string): Promise<string> {
  try {
    return await readTargetFile(path, what);
  } catch (reason) {
    throw credentialFailed(errorText(reason), reason);
  }
}

/** The error for a credential that cannot be read or obtained. The text must hold no secret. */
export function credentialFailed(text: string, cause?: unknown): TunnelError {
  return new TunnelError('TARGET_CREDENTIAL_FAILED', text, { cause });
}
