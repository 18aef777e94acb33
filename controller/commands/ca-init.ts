/**
 * `fairlead ca init`: everything a controller needs before its first start, in the files and Secrets of
 * v3.5's make-ca: the CA, an operator's (control) pair, and, which make-ca left to the chart, the key that
 * signs tokens. With a supplied CA only the rest is made. The command line around it is elsewhere.
 *
 *     controller-secrets.yaml       ca-secret, oes-control-secret, jwt-secret, ready for kubectl apply
 *     ca-cert.pem, ca-key.pem       the CA (the key only when it was made here)
 *     control-cert.pem, control-key.pem    for the control API
 *     agent-cert.pem, agent-key.pem        with alsoAgentNamed
 *     service-auth/<key name>       tokens' key; the directory is a serviceAuth.secretsPath
 */
import { randomBytes } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { readPemPair } from '../../shared/certificates/pem-pair.js';
import { systemClock, type Clock } from '../../shared/clock.js';
import { TunnelError } from '../../shared/errors.js';
import { agentName } from '../../shared/ids.js';
import { CertificateAuthority, certificateAuthorityFromPem } from '../certificates/authority.js';
import type { KeyType } from '../certificates/key-pair.js';
import { makeCertificateAuthority } from '../certificates/make-authority.js';
import { refuseExisting, writeSecretFiles, type SecretFile } from '../certificates/secret-files.js';

/** Options of `fairlead ca init`; defaults are those of v3.5 and its charts. */
export interface CaInitOptions {
  /** Where the files go; made when absent. */
  readonly dir: string;
  /** `metadata.namespace` of the Secrets. Default: none, so that kubectl's own applies. */
  readonly namespace?: string | undefined;
  /** Default `ca-secret`. */
  readonly caSecretName?: string | undefined;
  /** Default `oes-control-secret`. */
  readonly controlSecretName?: string | undefined;
  /** Default `jwt-secret`. */
  readonly tokenSecretName?: string | undefined;
  /** Also makes a pair for an agent of this name. Empty, v3.5's default: none. */
  readonly alsoAgentNamed?: string | undefined;
  /**
   * Name of the tokens' key: its file name, its key in the Secret, and so the value for
   * serviceAuth.currentKeyName and headerMutationKeyName. Default `public.pem`, which v3.5's charts
   * configure for both; in spite of that name it is a secret.
   */
  readonly tokenKeyName?: string | undefined;
  /** Kind of all keys made. Default `ecdsa`; `rsa` for clients that know nothing else. */
  readonly keyType?: KeyType | undefined;
  /** Common name of a CA made here. Default `Fairlead CA`. */
  readonly caName?: string | undefined;
  /** Uses this CA in place of a new one; both or neither. */
  readonly caCertFile?: string | undefined;
  readonly caKeyFile?: string | undefined;
  /** Replaces existing files. Default false. */
  readonly force?: boolean | undefined;
}

/** What was made. */
export interface CaInitResult {
  /** Full paths of all files written. */
  readonly files: string[];
  /** What the operator should know of a supplied CA; empty when all is well. */
  readonly warnings: readonly string[];
}

/** Holder of the control certificate, as v3.5's make-ca names it. */
const CONTROL_NAME = 'oes';
const TOKEN_KEY_DIRECTORY = 'service-auth';
/** 384 random bits, more than HMAC-SHA256 can use; as text, to survive editors and copying. */
const TOKEN_KEY_BYTES = 48;
/** RFC 1123 names as Kubernetes wants them for objects and namespaces. */
const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
/** Keys of Secrets; none that begins with a dot, which a key directory leaves out. */
const SECRET_KEY = /^[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,252}$/;

interface CaMaterial {
  readonly authority: CertificateAuthority;
  readonly certPem: string;
  readonly keyPem: string;
}

/**
 * Makes and writes the files. Throws CONFIG_INVALID for options that are wrong, files that exist (without
 * `force`) and a directory that cannot be written, CERTIFICATE_INVALID for a supplied CA that is none.
 */
export async function initCa(
  options: CaInitOptions,
  clock: Clock = systemClock,
): Promise<CaInitResult> {
  checkOptions(options);
  const force = options.force ?? false;
  if (!force) await refuseExisting(options.dir, plannedPaths(options));

  const ca = await caOf(options, clock);
  const files = await filesOf(options, ca);
  return {
    files: await writeSecretFiles(options.dir, files, { force }),
    warnings: ca.authority.warnings,
  };
}

function checkOptions(options: CaInitOptions): void {
  const { caSecretName, controlSecretName, tokenSecretName } = secretNames(options);
  const objectNames = { caSecretName, controlSecretName, tokenSecretName };
  for (const [option, name] of Object.entries({ ...objectNames, namespace: options.namespace })) {
    if (name !== undefined && !OBJECT_NAME.test(name)) {
      throw configInvalid(
        `${option} ${JSON.stringify(name)} is not a Kubernetes name: lower-case letters, digits, "-" and "."`,
      );
    }
  }
  const tokenKeyName = tokenKeyNameOf(options);
  if (!SECRET_KEY.test(tokenKeyName)) {
    throw configInvalid(
      `tokenKeyName ${JSON.stringify(tokenKeyName)} cannot be the key of a Secret: letters, digits, "-", "_" and "." are allowed, not "." first`,
    );
  }
  if ((options.caCertFile === undefined) !== (options.caKeyFile === undefined)) {
    throw configInvalid('a supplied CA needs both its certificate file and its key file');
  }
}

function plannedPaths(options: CaInitOptions): string[] {
  const paths = ['controller-secrets.yaml', 'control-cert.pem', 'control-key.pem'];
  if (!isSameFile(options, 'ca-cert.pem')) paths.push('ca-cert.pem');
  if (options.caKeyFile === undefined) paths.push('ca-key.pem');
  if (isAgentWanted(options)) paths.push('agent-cert.pem', 'agent-key.pem');
  paths.push(tokenKeyPath(options));
  return paths;
}

async function caOf(options: CaInitOptions, clock: Clock): Promise<CaMaterial> {
  const { caCertFile, caKeyFile, keyType = 'ecdsa', caName = 'Fairlead CA' } = options;
  const authorityOptions = { leafKeyType: keyType };
  if (caCertFile !== undefined && caKeyFile !== undefined) {
    const pair = readPemPair({ certFile: caCertFile, keyFile: caKeyFile }, clock.now());
    return { ...pair, authority: new CertificateAuthority(pair, clock, authorityOptions) };
  }
  const made = await makeCertificateAuthority({ keyType, name: caName }, clock);
  return { ...made, authority: certificateAuthorityFromPem(made, clock, authorityOptions) };
}

async function filesOf(options: CaInitOptions, ca: CaMaterial): Promise<SecretFile[]> {
  const control = await ca.authority.issue({ purpose: 'control', name: CONTROL_NAME });
  const tokenKey = randomBytes(TOKEN_KEY_BYTES).toString('base64url');
  const contents = new Map([
    ['controller-secrets.yaml', secretsYaml(options, ca, control, tokenKey)],
    ['control-cert.pem', control.certPem],
    ['control-key.pem', control.keyPem],
    ['ca-cert.pem', ca.certPem],
    ['ca-key.pem', ca.keyPem],
    [tokenKeyPath(options), tokenKey],
  ]);
  if (isAgentWanted(options)) {
    const agent = await ca.authority.issue({
      purpose: 'agent',
      agent: agentName(options.alsoAgentNamed),
    });
    contents.set('agent-cert.pem', agent.certPem).set('agent-key.pem', agent.keyPem);
  }
  return plannedPaths(options).map((path) => {
    const text = contents.get(path);
    if (text === undefined) throw new TunnelError('INTERNAL', `nothing to write to ${path}`);
    return { path, text };
  });
}

interface PemTexts {
  readonly certPem: string;
  readonly keyPem: string;
}

function secretsYaml(
  options: CaInitOptions,
  ca: PemTexts,
  control: PemTexts,
  tokenKey: string,
): string {
  const names = secretNames(options);
  const documents = [
    tlsSecret(names.caSecretName, options.namespace, ca),
    tlsSecret(names.controlSecretName, options.namespace, control),
    secret(names.tokenSecretName, options.namespace, 'Opaque', {
      [tokenKeyNameOf(options)]: tokenKey,
    }),
  ];
  // Long base64 on one line, as v3.5 wrote it: some consumers of that file are shell scripts.
  return documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
}

function tlsSecret(name: string, namespace: string | undefined, pair: PemTexts): object {
  return secret(name, namespace, 'kubernetes.io/tls', {
    'tls.crt': pair.certPem,
    'tls.key': pair.keyPem,
  });
}

function secret(
  name: string,
  namespace: string | undefined,
  type: string,
  texts: Readonly<Record<string, string>>,
): object {
  const data = Object.entries(texts).map(([key, text]) => [
    key,
    Buffer.from(text).toString('base64'),
  ]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type,
    metadata: namespace === undefined ? { name } : { namespace, name },
    data: Object.fromEntries(data) as object,
  };
}

function secretNames(options: CaInitOptions): {
  caSecretName: string;
  controlSecretName: string;
  tokenSecretName: string;
} {
  return {
    caSecretName: options.caSecretName ?? 'ca-secret',
    controlSecretName: options.controlSecretName ?? 'oes-control-secret',
    tokenSecretName: options.tokenSecretName ?? 'jwt-secret',
  };
}

function tokenKeyNameOf(options: CaInitOptions): string {
  return options.tokenKeyName ?? 'public.pem';
}

function tokenKeyPath(options: CaInitOptions): string {
  return join(TOKEN_KEY_DIRECTORY, tokenKeyNameOf(options));
}

function isAgentWanted(
  options: CaInitOptions,
): options is CaInitOptions & { readonly alsoAgentNamed: string } {
  return options.alsoAgentNamed !== undefined && options.alsoAgentNamed !== '';
}

/** A supplied certificate that lies where the output would go stays as it is. */
function isSameFile(options: CaInitOptions, path: string): boolean {
  if (options.caCertFile === undefined || basename(options.caCertFile) !== path) return false;
  return resolve(options.caCertFile) === resolve(options.dir, path);
}

function configInvalid(message: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', message);
}
