/**
 * Renders the kubeconfig with which kubectl and clouddriver reach a cluster behind an agent: one
 * cluster, user and context, everything inline, because a path or plugin would mean clouddriver's own
 * file system. Pure; the control API issues the credential and calls it.
 */
import { TunnelError } from '../../shared/errors.js';
import { yamlStream } from './yaml-text.js';

/** What identifies the user of a kubeconfig. */
export type KubeconfigCredential =
  | {
      readonly kind: 'certificate';
      readonly certPem: string;
      readonly keyPem: string;
      /** End of validity, ms since the epoch. */
      readonly notAfter: number;
    }
  | { readonly kind: 'token'; readonly token: string };

/** What a kubeconfig is made of. */
export interface KubeconfigOptions {
  readonly agent: string;
  /** Name of the agent's kubernetes service. */
  readonly name: string;
  /** Default namespace of the context. */
  readonly namespace?: string | undefined;
  readonly serverUrl: string;
  readonly caPem: string;
  readonly credential: KubeconfigCredential;
}

/** The kubeconfig as YAML, for kubectl 1.18 and newer; the same options give the same text. */
export function renderKubeconfig(options: KubeconfigOptions): string {
  const text = yamlStream([{ comment: introduction(options), content: kubeconfig(options) }]);
  // clouddriver reads the file through Spring, which would replace ${…} before kubectl sees it.
  if (text.includes('${')) {
    throw new TunnelError(
      'CONTROL_REQUEST_INVALID',
      'a kubeconfig must not contain "${", which Spinnaker takes for a placeholder; rename the service or host',
    );
  }
  return text;
}

/** `name.agent`, as v3.5 named users; agent names have no dot, so no two routes share one. */
export function kubeconfigContext(agent: string, name: string): string {
  return `${name}.${agent}`;
}

function kubeconfig(options: KubeconfigOptions): object {
  const context = kubeconfigContext(options.agent, options.name);
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: context,
        cluster: {
          server: options.serverUrl,
          'certificate-authority-data': base64(options.caPem),
        },
      },
    ],
    users: [{ name: context, user: userOf(options.credential) }],
    contexts: [
      {
        name: context,
        context: {
          cluster: context,
          user: context,
          ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
        },
      },
    ],
    'current-context': context,
  };
}

function userOf(credential: KubeconfigCredential): object {
  if (credential.kind === 'token') return { token: credential.token };
  return {
    'client-certificate-data': base64(credential.certPem),
    'client-key-data': base64(credential.keyPem),
  };
}

function introduction({ agent, name, credential }: KubeconfigOptions): string[] {
  const end =
    credential.kind === 'certificate'
      ? `Its certificate is valid until ${new Date(credential.notAfter).toISOString()}.`
      : 'Its token is valid until its signing key is removed from the controller.';
  return [
    `Reaches the kubernetes service "${name}" of agent "${agent}" through Fairlead.`,
    `This file is a secret: whoever has it acts as the agent in that cluster. ${end}`,
    '',
    'Try it:      kubectl --kubeconfig THIS_FILE get namespaces',
    'Spinnaker:   commit it to the repository of the dynamic accounts, beside clouddriver.yml, and add there',
    '               kubernetes:',
    '                 accounts:',
    `                   - {name: ACCOUNT, kubeconfigFile: "configserver:THIS_FILE"}`,
    'Renewal:     commit the new kubeconfig under a new file name. clouddriver compares account definitions,',
    '             not file contents, and keeps using the old one otherwise.',
  ];
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
