/**
 * What a process reaches and what it listens for on behalf of the other side: `outgoingServices` and
 * `incomingServices`, in the agent's services file and under `services:` of the controller. Checks
 * the form only; whether a URL, a credential or a kubeconfig is usable is the service catalogue's
 * business, so that one faulty service does not stop the others.
 */
import { z } from 'zod';
import { forItems } from './related.js';
import {
  bindAddress,
  listenPort,
  onOff,
  optionalText,
  secretText,
  someText,
} from './option-kinds.js';

/** What every outgoing service has. */
export interface OutgoingServiceBase {
  readonly enabled: boolean;
  readonly type: string;
  readonly name: string;
  /** Shown to operators; known keys are `description` and `uiUrl`. */
  readonly annotations: Readonly<Record<string, string>>;
  /** If not empty, the service is advertised once per item under the item's name, instead of its own. */
  readonly namespaces: readonly NamespaceItem[];
  readonly accountId: string;
  readonly assumeRole: string;
}

/** One advertised part of a service; the list is information, not a restriction. */
export interface NamespaceItem {
  readonly name: string;
  readonly namespaces: readonly string[];
}

/** A kube-apiserver. Without `kubeConfig` the default file is tried, then the pod's service account. */
export interface KubernetesService extends OutgoingServiceBase {
  readonly kind: 'kubernetes';
  readonly config: {
    readonly kubeConfig: string | undefined;
    readonly context: string | undefined;
  };
}

/** Any HTTP server. */
export interface GenericService extends OutgoingServiceBase {
  readonly kind: 'generic';
  readonly config: GenericServiceConfig;
}

/** A type that the Go versions had and we have not: advertised as not configured. */
export interface UnsupportedService extends OutgoingServiceBase {
  readonly kind: 'unsupported';
}

/** One entry of `outgoingServices`. */
export type OutgoingService = KubernetesService | GenericService | UnsupportedService;

/** `config` of a generic service, as written; base64 values are not decoded yet. */
export type GenericServiceConfig = Readonly<z.output<typeof genericConfig>>;

/** `config.credentials` of a generic service. */
export type CredentialsConfig = GenericServiceConfig['credentials'];

/** One entry of `incomingServices`: a port here whose requests are executed at the other side. */
export interface IncomingService {
  readonly name: string;
  readonly port: number;
  /** Not set: the process's own `bindAddress`. */
  readonly bindAddress: string | undefined;
  /** Controller only. False: TLS, routed by credential like the service port. */
  readonly useHTTP: boolean;
  /** Agent name at the controller, the word `controller` at an agent. Empty where routed by credential. */
  readonly destination: string;
  readonly serviceType: string;
  readonly destinationService: string;
}

const credentials = z.strictObject({
  type: optionalText.describe(
    'none (default), basic, bearer or token. bearer sends "Authorization: Bearer …", token "Authorization: Token …".',
  ),
  secretName: optionalText.describe(
    'Kubernetes Secret in the namespace of the pod with keys username and password, or token. Inline values are then ignored.',
  ),
  username: secretText.describe('base64, for basic.'),
  password: secretText.describe('base64, for basic.'),
  token: secretText.describe('base64, for bearer and token.'),
  usernameFile: optionalText.describe(
    'File with the user name as plain text; read again when it changes.',
  ),
  passwordFile: optionalText.describe(
    'File with the password as plain text; read again when it changes.',
  ),
  tokenFile: optionalText.describe(
    'File with the token as plain text; read again when it changes.',
  ),
});

const genericConfig = z.strictObject({
  url: optionalText.describe('http:// or https:// URL of the server; a base path is kept.'),
  insecure: onOff
    .default(false)
    .describe(
      "Do not verify the server's certificate. Anyone on the way can then read the credential: give caFile instead.",
    ),
  credentials: credentials.prefault({}).describe('What the agent adds for the server.'),
  caFile: optionalText.describe(
    'PEM file with the CAs of the server, if the system does not know them; read again when it changes.',
  ),
  caCert64: optionalText.describe('base64 of such a file; not together with caFile.'),
  clientCertFile: optionalText.describe(
    'PEM file with a client certificate for the server; needs clientKeyFile. Works with any credential type.',
  ),
  clientKeyFile: optionalText.describe('PEM file with the key of clientCertFile.'),
  clientCert64: optionalText.describe('base64 of a client certificate; needs clientKey64.'),
  clientKey64: secretText.describe('base64 of the key of clientCert64.'),
  clientCertSecretName: optionalText.describe(
    'Kubernetes Secret (tls.crt, tls.key) with the client certificate.',
  ),
  serverName: optionalText.describe(
    'Name for SNI and certificate verification, if it is not the host of the URL.',
  ),
});

const kubernetesConfig = z.strictObject({
  kubeConfig: optionalText.describe(
    'kubeconfig file. Not set: /app/config/kubeconfig.yaml if it exists, else the service account of the pod.',
  ),
  context: optionalText.describe('Context of the kubeconfig. Not set: its current-context.'),
});

const namespaceItem = z.strictObject({
  name: someText.describe('Name under which this part of the service is advertised.'),
  namespaces: z.array(z.string()).default([]).describe('Namespaces shown to operators.'),
});

const serviceBase = {
  enabled: onOff.default(false).describe('Entries that are not enabled are skipped.'),
  name: someText.describe('Name of the service, unique within its type.'),
  annotations: z
    .record(z.string(), z.string())
    .default({})
    .describe('Shown to operators. Known keys: description, uiUrl.'),
  namespaces: z
    .array(namespaceItem)
    .default([])
    .describe('If not empty, the service is advertised once per item, under the name of the item.'),
  accountId: z.string().default('').describe('AWS account, for information.'),
  assumeRole: z.string().default('').describe('AWS role, for information.'),
};

const kubernetesService = z
  .strictObject({
    ...serviceBase,
    type: z.literal('kubernetes').describe('A kube-apiserver.'),
    config: kubernetesConfig.prefault({}).describe('Which API server, and as whom.'),
  })
  .transform((service): KubernetesService => ({ ...service, kind: 'kubernetes' }));

const awsService = z
  .strictObject({
    ...serviceBase,
    type: z.literal('aws').describe('Not supported: advertised as not configured.'),
    config: z.unknown().optional().describe('Not read.'),
  })
  .transform((service): UnsupportedService => ({ ...service, kind: 'unsupported' }));

const genericService = z
  .strictObject({
    ...serviceBase,
    type: someText
      .refine((type) => type !== 'kubernetes' && type !== 'aws')
      .describe('jenkins, artifactory, bitbucket, front50, … or any word of your own.'),
    config: genericConfig.prefault({}).describe('Where the server is, and as whom.'),
  })
  .transform((service): GenericService => ({ ...service, kind: 'generic' }));

// Order matters: a faulty entry is explained by the first member that its type fits.
const outgoingService = z.union([kubernetesService, awsService, genericService]);

const incomingService = z.strictObject({
  name: z.string().default('').describe('A label for logs.'),
  port: listenPort.describe('TCP port to listen on.'),
  bindAddress: bindAddress.describe(
    'Address to listen on. Not set: the bindAddress of the process. Plain ports ask for no credential.',
  ),
  useHTTP: onOff
    .default(false)
    .describe(
      'Controller only. true: plain HTTP to the fixed destination below. false: TLS, routed by the credential of the caller.',
    ),
  destination: z.string().default('').describe('Agent name; at an agent always "controller".'),
  serviceType: z.string().default('').describe('Type of the service at the destination.'),
  destinationService: z.string().default('').describe('Name of the service at the destination.'),
});

/** `outgoingServices`: unique (type, name) among those that are enabled. */
export const outgoingServicesSchema = z
  .array(outgoingService)
  .check(
    forItems((services: ReadonlyMap<number, OutgoingService>, report) => {
      const seen = new Set<string>();
      for (const [index, service] of services) {
        for (const name of service.enabled ? advertisedNames(service) : []) {
          const ref = `${service.type}/${name}`;
          if (seen.has(ref)) {
            report(
              [index],
              `a second service "${ref}" is enabled: names must be unique within a type`,
            );
          }
          seen.add(ref);
        }
      }
    }),
  )
  .default([]);

/** Names under which a service is advertised and found: its own, or those of its namespace items. */
export function advertisedNames(
  service: Pick<OutgoingService, 'name' | 'namespaces'>,
): readonly string[] {
  if (service.namespaces.length === 0) return [service.name];
  return service.namespaces.map(({ name }) => name);
}

/** `incomingServices` of either process; which of the destination options count depends on it. */
export function incomingServicesSchema(side: 'controller' | 'agent') {
  return z
    .array(incomingService)
    .check(
      forItems((services: ReadonlyMap<number, IncomingService>, report) => {
        const taken = new Set<string>();
        for (const [index, service] of services) {
          reportDestination(service, side, (key, text) => report([index, key], text));
          const listener = `${service.bindAddress ?? ''}:${service.port}`;
          if (service.port !== 0 && taken.has(listener)) {
            report([index, 'port'], `port ${service.port} is taken by another entry of this list`);
          }
          taken.add(listener);
        }
      }),
    )
    .default([]);
}

function reportDestination(
  service: IncomingService,
  side: 'controller' | 'agent',
  report: (key: string, text: string) => void,
): void {
  if (side === 'controller' && !service.useHTTP) return;
  for (const key of ['destination', 'serviceType', 'destinationService'] as const) {
    if (service[key] === '') report(key, 'is missing, expected text');
  }
  if (side === 'agent' && service.destination !== '' && service.destination !== 'controller') {
    const found = `found "${service.destination}", expected controller`;
    report('destination', `${found}: an agent reaches services of its controller only`);
  }
}

/** Warnings about services that are in order by form. */
export function outgoingServiceNotes(services: readonly OutgoingService[]): string[] {
  return services
    .filter(({ enabled, kind }) => enabled && kind === 'unsupported')
    .map(
      ({ type, name }) =>
        `service "${type}/${name}" is skipped: services of type ${type} are not supported`,
    );
}
