/**
 * Every option of the controller: name, default, unit and reason. The names and defaults of ISD
 * forwarder v3.5 are kept exactly; options of our own stand beside them. Read by controller.ts and
 * `fairlead controller --check`; what the options do is the business of the parts that are handed them.
 */
import { z } from 'zod';
import {
  advertisedPort,
  amount,
  certificateName,
  hostName,
  listenPort,
  onOff,
  someText,
  textOr,
} from '../shared/config/option-kinds.js';
import { operationsChecks, processOptions } from '../shared/config/process-options.js';
import { parseConfig, readConfig } from '../shared/config/read-config.js';
import type { ConfigFormat, Frozen, ReadConfig } from '../shared/config/read-config.js';
import { related } from '../shared/config/related.js';
import {
  incomingServicesSchema,
  outgoingServiceNotes,
  outgoingServicesSchema,
} from '../shared/config/services-config.js';
import { VERSION } from '../shared/version.js';

const keyName = someText.refine((name) => !name.includes('/'), {
  error: 'expected the name of a file in serviceAuth.secretsPath, not a path',
});

const serviceAuth = z.strictObject({
  currentKeyName: keyName.describe('Key (file name) that signs service tokens.'),
  headerMutationKeyName: keyName.describe('Key (file name) that signs the user-header tokens.'),
  secretsPath: textOr('/app/secrets/serviceAuth').describe(
    'Directory of HMAC keys: file name = key id, content = key. Older keys stay valid while they are there.',
  ),
});

const caConfig = z.strictObject({
  caCertFile: textOr('/app/secrets/ca/tls.crt').describe('CA certificate, PEM.'),
  caKeyFile: textOr('/app/secrets/ca/tls.key').describe('CA key, PEM.'),
});

const services = z.strictObject({
  outgoingServices: outgoingServicesSchema.describe(
    'Services beside the controller that agents may use.',
  ),
  incomingServices: incomingServicesSchema('controller').describe(
    'Further ports whose requests go to services of agents.',
  ),
});

const options = z.strictObject({
  ...processOptions,
  agentHostname: hostName.describe(
    'Name that agents dial; stands in manifests and the server certificate.',
  ),
  agentListenPort: listenPort.default(9001).describe('Port for agents.'),
  agentAdvertisePort: advertisedPort.describe(
    'Port put into manifests, such as 443 behind an ingress. Not set: agentListenPort.',
  ),
  serviceHostname: hostName.describe(
    'Name under which callers reach the service port; stands in kubeconfigs.',
  ),
  serviceListenPort: listenPort.default(9002).describe('Port for callers.'),
  serviceAdvertisePort: advertisedPort.describe(
    'Port put into kubeconfigs and service URLs. Not set: serviceListenPort.',
  ),
  controlHostname: hostName.describe('Name under which operators reach the control API.'),
  controlListenPort: listenPort.default(9003).describe('Port of the control API.'),
  controlAdvertisePort: advertisedPort.describe(
    'Port put into control URLs. Not set: controlListenPort.',
  ),
  serverNames: z
    .array(certificateName)
    .default([])
    .describe('Further DNS names and IP addresses for the server certificate.'),
  serviceDomain: hostName
    .optional()
    .describe(
      'DNS suffix for one host name per route, for tools that mishandle a path prefix. Needs a wildcard DNS record to the service port.',
    ),
  serviceAuth: serviceAuth.prefault({} as never).describe('Keys that sign tokens.'), // the checks inside name what is missing
  caConfig: caConfig.prefault({}).describe('The CA that issues every certificate.'),
  insecureAgentConnections: onOff
    .optional()
    .describe(
      'Accept agents without TLS, for an ingress that ends it. Agents then prove their key in the session itself.',
    ),
  insecureagentconnections: onOff
    .optional()
    .describe('The spelling that v3.5 reads; same as insecureAgentConnections.'),
  services: services.prefault({}).describe('Services at the side of the controller.'),
  agentImage: textOr(`fairlead-agent:${VERSION}`).describe(
    'Image in agent manifests. The default is the agent of the same version; put your registry before it.',
  ),
  userHeaderValiditySeconds: amount(60, 604_800)
    .default(3_600)
    .describe(
      'How long the signed X-Spinnaker-User of a remote service is valid. v3.5 had 900 s, in which long clouddriver operations lost their user.',
    ),
});

const schema = options
  .check(
    ...operationsChecks('controller'),
    related(
      ['insecureAgentConnections', 'insecureagentconnections'],
      (config) =>
        config.insecureAgentConnections === undefined ||
        config.insecureagentconnections === undefined ||
        config.insecureAgentConnections === config.insecureagentconnections,
      'says the opposite of insecureAgentConnections: remove one of the two',
    ),
    ...distinctPorts(),
  )
  .transform(({ insecureagentconnections, ...config }) => ({
    ...config,
    insecureAgentConnections: config.insecureAgentConnections ?? insecureagentconnections ?? false,
  }));

/** Two listeners of one process cannot share a port. */
function distinctPorts() {
  const ports = [
    'agentListenPort',
    'serviceListenPort',
    'controlListenPort',
    'prometheusListenPort',
  ] as const;
  return ports.flatMap((later, index) =>
    ports
      .slice(0, index)
      .map((earlier) =>
        related<Record<(typeof ports)[number], number>>(
          [earlier, later],
          (config) => config[later] === 0 || config[later] !== config[earlier],
          `is the same port as ${earlier}`,
        ),
      ),
  );
}

const V2_COMMANDS = 'remote commands are not supported; the Go versions dropped them too';
const V4_PLAIN = 'the server certificate is issued from the CA, and every face uses TLS';
const OWN_SECTION = 'put it under services:';

const obsolete: ConfigFormat<unknown>['obsolete'] = {
  agents: 'no version has used this list; an agent is known by its certificate',
  webhook: 'webhooks are not supported; watch getAgentStatistics or the metrics instead',
  remoteCommandHostname: V2_COMMANDS,
  remoteCommandListenPort: V2_COMMANDS,
  remoteCommandPort: V2_COMMANDS,
  agentPort: 'it is called agentListenPort since v2.1',
  servicePort: 'it is called serviceListenPort since v2.1',
  controlPort: 'it is called controlListenPort since v2.1',
  prometheusPort: 'it is called prometheusListenPort since v2.1',
  agentAuth: 'agents identify themselves by certificate, not by token',
  agentUseTLS: 'agents always use TLS, unless insecureAgentConnections says otherwise',
  agentTLSPath: V4_PLAIN,
  serviceTLSPath: V4_PLAIN,
  controlTLSPath: V4_PLAIN,
  incomingServices: OWN_SECTION,
  outgoingServices: OWN_SECTION,
};

/** Everything the controller can be told. Ports of 0 pick a free one; undefined is explained at the option. */
export type ControllerConfig = Frozen<z.output<typeof schema>>;

/** How the controller's file is read; its schema carries the documentation of every option. */
export const controllerConfigFormat: ConfigFormat<z.output<typeof schema>> & {
  readonly options: typeof options;
} = {
  options,
  schema,
  obsolete,
  notes: ({ services: { outgoingServices } }) => outgoingServiceNotes(outgoingServices),
};

/** Reads the controller's configuration file. Throws CONFIG_INVALID with every problem. */
export function readControllerConfig(file: string): ReadConfig<z.output<typeof schema>> {
  return readConfig(file, controllerConfigFormat);
}

/** The same from a text, for tests; `file` is only its name in messages. */
export function parseControllerConfig(
  text: string,
  file: string,
): ReadConfig<z.output<typeof schema>> {
  return parseConfig(text, file, controllerConfigFormat);
}

/**
 * Names and addresses of the server certificate, in v3.5's order: `serverNames`, then the host names
 * of agents, control API and services where absent; last the wildcard of `serviceDomain`.
 */
export function computeServerNames(
  config: Pick<
    ControllerConfig,
    'serverNames' | 'agentHostname' | 'controlHostname' | 'serviceHostname' | 'serviceDomain'
  >,
): string[] {
  const { agentHostname, controlHostname, serviceHostname, serviceDomain } = config;
  const wildcard = serviceDomain === undefined ? [] : [`*.${serviceDomain}`];
  return [
    ...new Set([
      ...config.serverNames,
      agentHostname,
      controlHostname,
      serviceHostname,
      ...wildcard,
    ]),
  ];
}

/** Keys that must be there, by the option that names them. */
export function neededKeys({
  serviceAuth,
}: Pick<ControllerConfig, 'serviceAuth'>): Record<string, string> {
  return {
    'serviceAuth.currentKeyName': serviceAuth.currentKeyName,
    'serviceAuth.headerMutationKeyName': serviceAuth.headerMutationKeyName,
  };
}
