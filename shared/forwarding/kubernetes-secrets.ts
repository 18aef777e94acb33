/**
 * Kubernetes Secrets of the pod's own namespace, read through the API server with the pod's service
 * account. Used for target credentials and client certificates that the configuration names by Secret.
 */
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';
import { SecretValue } from '../config/secret-value.js';
import type { Clock } from '../clock.js';
import { errorText, nodeErrorCode } from '../errors.js';
import { decodeBase64 } from './base64-text.js';
import type { InClusterAccess } from './kubernetes-environment.js';
import { RefreshedValue } from './refreshed-value.js';
import { credentialFailed, readCredentialFile } from './target-credential.js';

/** The decoded entries of a Secret. */
export type SecretData = ReadonlyMap<string, SecretValue>;

/** Reads Secrets by name. */
export interface SecretReader {
  /**
   * The entries; the same object until they are read anew, every 60 s. A promise only while they are.
   * Rejects with TARGET_CREDENTIAL_FAILED that names the Secret.
   */
  read(name: string): SecretData | Promise<SecretData>;
  /** What the Secret holds was not accepted somewhere: read it anew. */
  refused(name: string): void;
}

const MAX_AGE_MS = 60_000;
const READ_TIMEOUT_MS = 10_000;
/** A Secret holds 1 MiB at most; base64, JSON and metadata come on top. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Secrets of one namespace. */
export class KubernetesSecrets implements SecretReader {
  readonly #access: InClusterAccess;
  readonly #clock: Clock;
  readonly #onFailure: (reason: unknown) => void;
  readonly #known = new Map<string, RefreshedValue<SecretData>>();

  /** `onFailure` is told of each read that failed, also of those that leave old entries in use. */
  constructor(access: InClusterAccess, clock: Clock, onFailure: (reason: unknown) => void) {
    this.#access = access;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  read(name: string): SecretData | Promise<SecretData> {
    let value = this.#known.get(name);
    if (value === undefined) {
      const rules = { clock: this.#clock, maxAgeMs: MAX_AGE_MS, onFailure: this.#onFailure };
      value = new RefreshedValue(async () => ({ value: await this.#fetch(name) }), rules);
      this.#known.set(name, value);
    }
    return value.current();
  }

  refused(name: string): void {
    this.#known.get(name)?.refused();
  }

  async #fetch(name: string): Promise<SecretData> {
    const { namespace, host, port, tokenFile, caFile } = this.#access;
    const what = `Secret "${name}"`;
    if (namespace === undefined) {
      throw credentialFailed(`${what} cannot be read: POD_NAMESPACE is not set`);
    }
    const [token, ca] = await Promise.all([
      readCredentialFile(tokenFile, 'service account token'),
      readCredentialFile(caFile, 'service account CA'),
    ]);
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
    const headers = { authorization: `Bearer ${token.trim()}`, accept: 'application/json' };
    const answer = await ask({ host, port, path, ca, headers }, what);
    if (answer.status !== 200) throw credentialFailed(refusalText(answer.status, name, namespace));
    return secretData(answer.body, what);
  }
}

function refusalText(status: number, name: string, namespace: string): string {
  const what = `Secret "${name}" in namespace "${namespace}"`;
  switch (status) {
    case 404:
      return `${what} does not exist`;
    case 401:
      return `${what} cannot be read: the API server did not accept the service account (401)`;
    case 403:
      return `${what} may not be read by the service account (403): grant it "get" on secrets`;
    default:
      return `${what} cannot be read: the API server answered ${status}`;
  }
}

/** One GET over a connection of its own; a minute passes until the next. */
function ask(options: RequestOptions, what: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (reason: unknown) => {
      const why = nodeErrorCode(reason) ?? errorText(reason);
      reject(
        credentialFailed(`${what} cannot be read: the API server is not reached (${why})`, reason),
      );
    };
    const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
    const tls = { allowPartialTrustChain: true }; // the CA file may hold an intermediate one only
    const outgoing = request({ ...options, ...tls, agent: false, signal }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is larger than 4 MiB'));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.on('error', fail);
    outgoing.end();
  });
}

function secretData(body: string, what: string): SecretData {
  const entries = new Map<string, SecretValue>();
  for (const [key, value] of Object.entries(dataOf(body, what))) {
    const text = typeof value === 'string' ? decodeBase64(value) : undefined;
    if (text === undefined) throw credentialFailed(`${what}: entry "${key}" is not base64`);
    entries.set(key, new SecretValue(text));
  }
  return entries;
}

function dataOf(body: string, what: string): object {
  try {
    const secret: unknown = JSON.parse(body);
    if (typeof secret === 'object' && secret !== null && 'data' in secret) {
      if (typeof secret.data === 'object' && secret.data !== null) return secret.data;
    }
    return {};
  } catch {
    // the parser's text would quote the body, which holds the secret
    throw credentialFailed(
      `${what} cannot be read: the API server answered something else than JSON`,
    );
  }
}
