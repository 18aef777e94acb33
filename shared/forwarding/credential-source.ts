/**
 * Where the credential of a target comes from: the configuration itself, files, or a Kubernetes Secret
 * (exec plugins: exec-credential.ts). All keep the same contract, which one test suite checks.
 */
import { SecretValue } from '../config/secret-value.js';
import type { SecretData, SecretReader } from './kubernetes-secrets.js';
import { RefreshedValue } from './refreshed-value.js';
import type { RefreshRules } from './refreshed-value.js';
import { credentialFromTexts, readCredentialFile } from './target-credential.js';
import type { CredentialType, TargetCredential } from './target-credential.js';
import { FILE_MAX_AGE_MS } from './target-file.js';

/** A credential that may change while it is used. */
export interface CredentialSource {
  /**
   * The credential of now; the same object until it changes or is read anew. A promise only while it is
   * fetched. Rejects with TARGET_CREDENTIAL_FAILED when there is none.
   */
  current(): TargetCredential | Promise<TargetCredential>;
  /** The target answered 401 to it: it is read anew before it is handed out again. */
  refused(): void;
}

/** How sources are told the time and report failures. */
export type SourceRules = Omit<RefreshRules, 'maxAgeMs'>;

/** Never changes. */
export function inlineCredentialSource(credential: TargetCredential): CredentialSource {
  return { current: () => credential, refused: () => undefined };
}

/** One text of a credential: its value, or the file that holds it. */
export type CredentialPart = SecretValue | { readonly file: string };

/** The texts of a credential with at least one file among them. */
export interface CredentialParts {
  readonly username?: CredentialPart | undefined;
  readonly password?: CredentialPart | undefined;
  readonly token?: CredentialPart | undefined;
}

/** Files are looked at every 10 s and after a refusal; a file that cannot be read leaves the old text. */
export function fileCredentialSource(
  type: CredentialType,
  parts: CredentialParts,
  rules: SourceRules,
): CredentialSource {
  return new RefreshedValue(
    async () => {
      const [username, password, token] = await Promise.all([
        partText(parts.username, 'username file'),
        partText(parts.password, 'password file'),
        partText(parts.token, 'token file'),
      ]);
      const all = [parts.username, parts.password, parts.token];
      const files = all.flatMap((part) => (isFile(part) ? [JSON.stringify(part.file)] : []));
      const origin = files.join(' and ');
      return { value: credentialFromTexts(type, { username, password, token }, origin) };
    },
    { ...rules, maxAgeMs: FILE_MAX_AGE_MS },
  );
}

function isFile(part: CredentialPart | undefined): part is { readonly file: string } {
  return part !== undefined && !(part instanceof SecretValue);
}

async function partText(
  part: CredentialPart | undefined,
  what: string,
): Promise<SecretValue | undefined> {
  return isFile(part) ? new SecretValue(await readCredentialFile(part.file, what)) : part;
}

/** A Secret is looked at every 60 s and after a refusal; one that turns faulty leaves the old credential. */
export function secretCredentialSource(
  type: CredentialType,
  secretName: string,
  secrets: SecretReader,
  onFailure: (reason: unknown) => void,
): CredentialSource {
  let made: { readonly of: SecretData; readonly credential: TargetCredential } | undefined;
  const credentialOf = (data: SecretData): TargetCredential => {
    if (made?.of === data) return made.credential;
    try {
      const texts = {
        username: data.get('username'),
        password: data.get('password'),
        token: data.get('token'),
      };
      const credential = credentialFromTexts(type, texts, `Secret "${secretName}"`);
      made = { of: data, credential };
      return credential;
    } catch (reason) {
      if (made === undefined) throw reason;
      onFailure(reason);
      made = { of: data, credential: made.credential };
      return made.credential;
    }
  };
  const current = async (data: SecretData | Promise<SecretData>) => credentialOf(await data);
  return {
    current: () => {
      const data = secrets.read(secretName);
      return made?.of === data ? made.credential : current(data);
    },
    refused: () => secrets.refused(secretName),
  };
}
