/**
 * A kubeconfig context as a target: reads the files that the kubeconfig refers to (relative ones beside
 * it) and decides which of its credentials is used, as kubectl does.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { NamedText } from '../certificates/pem-text.js';
import { SecretValue } from '../config/secret-value.js';
import { decodeBase64 } from './base64-text.js';
import type { CredentialSource } from './credential-source.js';
import { fileCredentialSource, inlineCredentialSource } from './credential-source.js';
import { EXEC_API_VERSIONS, execCredentialSource } from './exec-credential.js';
import type { ExecPlugin } from './exec-credential.js';
import { clusterText, isSet, selectContext, userText } from './kubeconfig.js';
import type { KubeContext, KubeExec } from './kubeconfig.js';
import { endpointAt, parseServerUrl } from './server-address.js';
import { credentialFromTexts } from './target-credential.js';
import { readTargetFile, targetFault } from './target-file.js';
import { idOf } from './target-plan.js';
import type { PlanParts, TargetPlan } from './target-plan.js';
import { targetTlsSettings } from './target-tls-settings.js';
import type { ClientCertificateTexts } from './target-tls-settings.js';

/** Plans with the context `wanted`, or the current one, of a kubeconfig. */
export async function planFromKubeconfig(
  content: string,
  file: string,
  wanted: string | undefined,
  parts: PlanParts,
): Promise<TargetPlan> {
  const context = selectContext(content, file, wanted);
  const { cluster } = context;
  if (!isSet(cluster.server)) throw targetFault(`${clusterText(context)}: server is missing`);
  const address = parseServerUrl(cluster.server, `${clusterText(context)}: server`);
  const ca = await clusterCa(context);
  const isVerified = !cluster['insecure-skip-tls-verify'];
  const tls = targetTlsSettings(
    {
      ca,
      clientCertificate: await userCertificate(context),
      serverName: isSet(cluster['tls-server-name']) ? cluster['tls-server-name'] : undefined,
      isVerified,
    },
    parts.clock.now(),
  );
  const warnings = isVerified
    ? []
    : [
        `${clusterText(context)}: insecure-skip-tls-verify is set: the server is not verified, and whoever is on the way can read the credential`,
      ];
  return {
    endpoint: endpointAt(address, tls),
    credentialId: idOf('kubeconfig', context, ca?.text),
    createCredentialSource: () => userCredential(context, ca, parts),
    warnings,
  };
}

async function clusterCa(context: KubeContext): Promise<NamedText | undefined> {
  const { 'certificate-authority-data': data, 'certificate-authority': path } = context.cluster;
  const name = clusterText(context);
  if (isSet(data)) {
    const what = `${name}: certificate-authority-data`;
    return { text: decoded(data, what), name: what };
  }
  if (!isSet(path)) return undefined;
  const file = beside(context, path);
  return { text: await readTargetFile(file, `${name}: certificate-authority`), name: file };
}

async function userCertificate(context: KubeContext): Promise<ClientCertificateTexts | undefined> {
  const certPem = await userMaterial(context, 'client-certificate');
  const keyPem = await userMaterial(context, 'client-key');
  if (certPem === undefined && keyPem === undefined) return undefined;
  const name = userText(context);
  if (certPem === undefined) throw targetFault(`${name}: client-key needs a client-certificate`);
  if (keyPem === undefined) throw targetFault(`${name}: client-certificate needs a client-key`);
  return { certPem, keyPem, what: `client (${name})` };
}

/** The text of a key of the user: from `…-data` if set, else from the file. */
async function userMaterial(
  context: KubeContext,
  key: 'client-certificate' | 'client-key',
): Promise<string | undefined> {
  const name = `${userText(context)}: ${key}`;
  const data = context.user[`${key}-data`];
  if (isSet(data)) return decoded(data, `${name}-data`);
  const path = context.user[key];
  return isSet(path) ? readTargetFile(beside(context, path), name) : undefined;
}

function decoded(data: string, name: string): string {
  const text = decodeBase64(data);
  if (text === undefined) throw targetFault(`${name} is not base64`);
  return text;
}

/** Paths in a kubeconfig are relative to it. */
function beside({ file }: KubeContext, path: string): string {
  return isAbsolute(path) ? path : join(dirname(resolve(file)), path);
}

/** tokenFile before token before exec, as kubectl has it; basic excludes tokens. */
function userCredential(
  context: KubeContext,
  ca: NamedText | undefined,
  parts: PlanParts,
): CredentialSource {
  const { token, tokenFile, username, password, exec } = context.user;
  const rules = { clock: parts.clock, onFailure: parts.onCredentialFailure };
  const name = userText(context);
  if (isSet(tokenFile)) {
    return fileCredentialSource('bearer', { token: { file: beside(context, tokenFile) } }, rules);
  }
  if (isSet(token)) {
    const texts = { token: new SecretValue(token) };
    return inlineCredentialSource(credentialFromTexts('bearer', texts, name));
  }
  if (isSet(username) || isSet(password)) {
    const texts = {
      username: new SecretValue(username ?? ''),
      password: new SecretValue(password ?? ''),
    };
    return inlineCredentialSource(credentialFromTexts('basic', texts, name));
  }
  if (exec !== undefined) {
    const plugin = execPlugin(exec, context, ca, parts);
    if (parts.runsPlugins === false) return inlineCredentialSource({ type: 'none' });
    return execCredentialSource(plugin, { ...rules, signal: parts.signal });
  }
  return inlineCredentialSource({ type: 'none' });
}

function execPlugin(
  exec: KubeExec,
  context: KubeContext,
  ca: NamedText | undefined,
  { kubernetes }: PlanParts,
): ExecPlugin {
  const name = userText(context);
  const { apiVersion, command, interactiveMode } = exec;
  if (!isSet(command)) throw targetFault(`${name}: exec.command is missing`);
  if (!isSet(apiVersion) || !EXEC_API_VERSIONS.includes(apiVersion)) {
    const found = isSet(apiVersion) ? `found "${apiVersion}"` : 'is missing';
    throw targetFault(
      `${name}: exec.apiVersion ${found}; expected ${EXEC_API_VERSIONS.join(' or ')}`,
    );
  }
  if (interactiveMode === 'Always') {
    throw targetFault(`${name}: exec.interactiveMode is Always, but there is nobody to ask`);
  }
  const added = exec.env.map((entry): [string, string] => [entry.name, entry.value]);
  return {
    apiVersion,
    // a bare name is looked up in PATH, a path is relative to the kubeconfig
    command: command.includes('/') ? beside(context, command) : command,
    args: exec.args,
    env: { ...kubernetes.execEnv, ...Object.fromEntries(added) },
    installHint: exec.installHint,
    clusterInfo: exec.provideClusterInfo ? clusterInfo(context, ca) : undefined,
    name,
  };
}

/** `spec.cluster` of an ExecCredential. */
function clusterInfo({ cluster }: KubeContext, ca: NamedText | undefined): object {
  const extension = cluster.extensions.find(
    ({ name }) => name === 'client.authentication.k8s.io/exec',
  );
  return {
    server: cluster.server,
    ...(isSet(cluster['tls-server-name']) ? { 'tls-server-name': cluster['tls-server-name'] } : {}),
    ...(cluster['insecure-skip-tls-verify'] ? { 'insecure-skip-tls-verify': true } : {}),
    ...(ca === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(ca.text).toString('base64') }),
    config: extension?.extension ?? null,
  };
}
