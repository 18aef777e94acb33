/**
 * A kubeconfig file and the context in it that is used: cluster and user with everything kubectl knows of
 * them. Refuses what we cannot do (proxies, impersonation) rather than doing something else instead.
 * Reads no other files; kubeconfig-plan.ts does.
 */
import { z } from 'zod';
import { parseConfig } from '../config/read-config.js';
import { targetFault } from './target-file.js';

const text = z.string().optional();
const flag = z.boolean().default(false);

const cluster = z.looseObject({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': flag,
  'tls-server-name': text,
  'proxy-url': text,
  extensions: z.array(z.looseObject({ name: text, extension: z.unknown().optional() })).default([]),
});

const exec = z.looseObject({
  apiVersion: text,
  command: text,
  args: z.array(z.string()).default([]),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().default('') })).default([]),
  installHint: text,
  provideClusterInfo: flag,
  interactiveMode: text,
});

const user = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  exec: exec.optional(),
  'auth-provider': z.unknown().optional(),
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).default([]),
  'as-user-extra': z.unknown().optional(),
});

const kubeconfig = z.looseObject({
  apiVersion: text,
  kind: text,
  'current-context': text,
  contexts: z
    .array(
      z.looseObject({ name: z.string(), context: z.looseObject({ cluster: text, user: text }) }),
    )
    .default([]),
  clusters: z.array(z.looseObject({ name: z.string(), cluster })).default([]),
  users: z.array(z.looseObject({ name: z.string(), user: user.prefault({}) })).default([]),
});

/** `cluster:` of a kubeconfig, keys as there. */
export type KubeCluster = Readonly<z.output<typeof cluster>>;
/** `user:` of a kubeconfig, keys as there. */
export type KubeUser = Readonly<z.output<typeof user>>;
/** `exec:` of a user. */
export type KubeExec = Readonly<z.output<typeof exec>>;

/** One context with what it refers to. */
export interface KubeContext {
  readonly file: string;
  readonly name: string;
  readonly clusterName: string;
  readonly userName: string;
  readonly cluster: KubeCluster;
  readonly user: KubeUser;
}

/**
 * The context `wanted` of a kubeconfig, or its current-context. Throws SERVICE_NOT_CONFIGURED or, for
 * YAML faults, CONFIG_INVALID; both name the file, and context, user or key as far as known.
 */
export function selectContext(content: string, file: string, wanted?: string): KubeContext {
  const { config } = parseConfig(content, file, { schema: kubeconfig, obsolete: {} });
  const fault = (problem: string) => targetFault(`kubeconfig ${JSON.stringify(file)}: ${problem}`);
  if (config.apiVersion !== 'v1' || config.kind !== 'Config') {
    throw fault('this is no kubeconfig; expected apiVersion: v1 and kind: Config');
  }
  const names = config.contexts.map(({ name }) => name);
  const name = wanted ?? config['current-context'] ?? '';
  if (name === '') {
    throw fault(`current-context is missing; set it or name a context (${listed(names)})`);
  }
  const entry = config.contexts.find((one) => one.name === name);
  if (entry === undefined) throw fault(`there is no context "${name}" (${listed(names)})`);
  const { cluster: clusterName = '', user: userName = '' } = entry.context;
  if (clusterName === '') throw fault(`context "${name}" names no cluster`);
  if (userName === '') throw fault(`context "${name}" names no user`);
  const clusterEntry = config.clusters.find((one) => one.name === clusterName);
  if (clusterEntry === undefined) {
    throw fault(`context "${name}" names cluster "${clusterName}", which is not in clusters`);
  }
  const userEntry = config.users.find((one) => one.name === userName);
  if (userEntry === undefined) {
    throw fault(`context "${name}" names user "${userName}", which is not in users`);
  }
  const context: KubeContext = {
    file,
    name,
    clusterName,
    userName,
    cluster: clusterEntry.cluster as KubeCluster, // frozen, which zod's type does not say
    user: userEntry.user as KubeUser, // frozen, which zod's type does not say
  };
  refuseUnsupported(context);
  return context;
}

/** `kubeconfig "/k" context "c" user "u"`: how messages call the user of a context. */
export function userText({ file, name, userName }: KubeContext): string {
  return `kubeconfig ${JSON.stringify(file)} context "${name}" user "${userName}"`;
}

/** The same for the cluster. */
export function clusterText({ file, name, clusterName }: KubeContext): string {
  return `kubeconfig ${JSON.stringify(file)} context "${name}" cluster "${clusterName}"`;
}

function refuseUnsupported(context: KubeContext): void {
  const { cluster: server, user: who } = context;
  if (isSet(server['proxy-url'])) {
    throw targetFault(`${clusterText(context)}: proxy-url is not supported; remove it`);
  }
  if (server['insecure-skip-tls-verify'] && hasCa(server)) {
    throw targetFault(
      `${clusterText(context)}: insecure-skip-tls-verify and certificate-authority exclude each other; remove the former`,
    );
  }
  if (who['auth-provider'] !== undefined) {
    throw targetFault(
      `${userText(context)}: auth-provider is not supported, as in kubectl since 1.26; use exec`,
    );
  }
  const isImpersonating =
    isSet(who.as) ||
    isSet(who['as-uid']) ||
    who['as-groups'].length > 0 ||
    who['as-user-extra'] !== undefined;
  // To leave it out silently would give callers more rights than the file grants.
  if (isImpersonating) {
    throw targetFault(
      `${userText(context)}: as (impersonation) is not supported; use a user of its own`,
    );
  }
  const ways = [
    isSet(who.token) || isSet(who.tokenFile) ? ['token'] : [],
    isSet(who.username) || isSet(who.password) ? ['username'] : [],
  ].flat();
  if (ways.length > 1) {
    throw targetFault(`${userText(context)}: token and username exclude each other; remove one`);
  }
}

/** Whether a key has a value; kubectl takes an empty one as none. */
export function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

function hasCa(server: KubeCluster): boolean {
  return isSet(server['certificate-authority']) || isSet(server['certificate-authority-data']);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
}
