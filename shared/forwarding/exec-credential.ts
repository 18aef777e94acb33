/**
 * Exec plugins of kubeconfigs (client.authentication.k8s.io v1 and v1beta1): run a command, read the
 * ExecCredential it prints. Caching and expiry are RefreshedValue's business.
 */
import { execFile } from 'node:child_process';
import { z } from 'zod';
import { pemPairFromText } from '../certificates/pem-pair.js';
import { SecretValue } from '../config/secret-value.js';
import { errorText } from '../errors.js';
import type { CredentialSource, SourceRules } from './credential-source.js';
import { RefreshedValue } from './refreshed-value.js';
import type { Fetched } from './refreshed-value.js';
import { credentialFailed } from './target-credential.js';
import type { ClientCertificate, TargetCredential } from './target-credential.js';

/** API versions of plugins that are spoken; older ones are gone from kubectl. */
export const EXEC_API_VERSIONS: readonly string[] = [
  'client.authentication.k8s.io/v1',
  'client.authentication.k8s.io/v1beta1',
];

/** A plugin, ready to be run. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the command, KUBERNETES_EXEC_INFO excepted. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly installHint: string | undefined;
  /** `spec.cluster` of KUBERNETES_EXEC_INFO; undefined unless provideClusterInfo. */
  readonly clusterInfo: object | undefined;
  /** How messages call it, such as `kubeconfig "/k" context "c" user "u"`. */
  readonly name: string;
}

/** What a plugin may take; cloud logins need a few seconds. */
const RUN_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

const execCredential = z.object({
  apiVersion: z.string(),
  kind: z.literal('ExecCredential'),
  status: z.object({
    expirationTimestamp: z.string().optional(),
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
  }),
});

/** A credential that a plugin issues: run when there is none, it expires, or it was refused. */
export function execCredentialSource(
  plugin: ExecPlugin,
  rules: SourceRules & { readonly signal: AbortSignal },
): CredentialSource {
  return new RefreshedValue(
    async () => issuedCredential(await run(plugin, rules.signal), plugin, rules.clock.now()),
    {
      ...rules,
      maxAgeMs: Infinity,
    },
  );
}

function run(plugin: ExecPlugin, signal: AbortSignal): Promise<string> {
  const { apiVersion, command, args, clusterInfo, name } = plugin;
  const info = {
    apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(clusterInfo === undefined ? {} : { cluster: clusterInfo }) },
  };
  const options = {
    env: { ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: MAX_OUTPUT_BYTES,
    signal,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const cause = new Error(lastLines(stderr) || 'the command wrote nothing to stderr');
      reject(credentialFailed(`${name}: exec plugin ${whyFailed(error, plugin)}`, cause));
    });
    // Nobody is there to answer questions. A command that ends without reading breaks the pipe.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end();
  });
}

function whyFailed(error: Error, { command, installHint }: ExecPlugin): string {
  const { code, killed, signal } = error as Error & {
    code?: string | number;
    killed?: boolean;
    signal?: string | null;
  }; // ExecFileException, whose properties depend on how it failed
  const name = `"${command}"`;
  if (code === 'ENOENT') {
    const hint = installHint === undefined ? '' : ` (${installHint.trim().slice(0, 300)})`;
    return `${name} is not there; install it or correct the command${hint}`;
  }
  if (code === 'EACCES') return `${name} may not be executed; check its mode`;
  if (code === 'ABORT_ERR') return `${name} was stopped with the process`;
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `${name} wrote more than 1 MiB`;
  if (killed === true) return `${name} took longer than ${RUN_TIMEOUT_MS / 1000} s`;
  return typeof code === 'number'
    ? `${name} ended with exit code ${code}`
    : `${name} ended with ${signal ?? code ?? 'an unknown fault'}`;
}

/** What a plugin says last, for the log. */
function lastLines(stderr: string): string {
  return stderr.trim().slice(-500);
}

function issuedCredential(
  stdout: string,
  plugin: ExecPlugin,
  nowMs: number,
): Fetched<TargetCredential> {
  const fault = (problem: string) =>
    credentialFailed(`${plugin.name}: exec plugin "${plugin.command}" ${problem}`);
  const parsed = execCredential.safeParse(parsedJson(stdout));
  if (!parsed.success) throw fault('printed something else than an ExecCredential with a status');
  const { apiVersion, status } = parsed.data;
  if (apiVersion !== plugin.apiVersion) {
    throw fault(`answered with apiVersion ${apiVersion}; expected ${plugin.apiVersion}`);
  }
  const { token, clientCertificateData: cert, clientKeyData: key } = status;
  if ((cert === undefined) !== (key === undefined)) {
    throw fault('gave only one of clientCertificateData and clientKeyData');
  }
  const isUsable = token === undefined || /^[\x21-\x7e]+$/.test(token.trim());
  if (!isUsable) throw fault('gave a token that no header can carry');
  if (token === undefined && cert === undefined) throw fault('gave neither token nor certificate');
  const expiresAt =
    status.expirationTimestamp === undefined ? undefined : Date.parse(status.expirationTimestamp);
  if (Number.isNaN(expiresAt)) throw fault('gave an expirationTimestamp that is no time');
  const clientCertificate =
    cert === undefined || key === undefined
      ? undefined
      : checkedCertificate(cert, key, plugin, nowMs);
  const value: TargetCredential =
    token === undefined
      ? { type: 'none', clientCertificate }
      : { type: 'bearer', token: new SecretValue(token.trim()), clientCertificate };
  return { value, expiresAt };
}

function checkedCertificate(
  certPem: string,
  keyPem: string,
  plugin: ExecPlugin,
  nowMs: number,
): ClientCertificate {
  try {
    const pair = pemPairFromText({ certPem, keyPem }, nowMs, `client (${plugin.name}, exec)`);
    return { cert: pair.certPem, key: new SecretValue(pair.keyPem) };
  } catch (reason) {
    throw credentialFailed(errorText(reason), reason);
  }
}

/** undefined if it is none; the parser's own error would quote the text. */
function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
