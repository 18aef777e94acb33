/**
 * Every option of the agent and its services file: name, default, unit and reason. The names and
 * defaults of ISD forwarder v3.5 are kept exactly; options of our own stand beside them. Read by
 * agent.ts and `fairlead agent --check`.
 */
import { z } from 'zod';
import type { HostPort } from '../shared/config/host-port.js';
import {
  hostAndPort,
  hostName,
  onOff,
  optionalHostAndPort,
  optionalText,
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

const DEFAULT_CONTROLLER: HostPort = { host: 'forwarder-controller', port: 9001 };
const DEFAULT_SERVICES_FILE = '/app/config/services.yaml';

const options = z.strictObject({
  ...processOptions,
  controllerHostname: optionalHostAndPort.describe(
    'host:port of the controller, IPv6 in brackets. Default forwarder-controller:9001.',
  ),
  controllerHostnames: z
    .array(hostAndPort)
    .min(1)
    .optional()
    .describe('Several controllers, tried in turn; instead of controllerHostname.'),
  controllerServerName: hostName
    .optional()
    .describe(
      'Name that the certificate of the controller must bear, if it is not the host dialled.',
    ),
  caCertFile: textOr('/app/config/ca.pem').describe('CA of the controller, PEM.'),
  caCert64: optionalText.describe('base64 of such a file; used only if caCertFile cannot be read.'),
  certFile: textOr('/app/secrets/agent/tls.crt').describe("The agent's certificate, PEM."),
  keyFile: textOr('/app/secrets/agent/tls.key').describe('Its key, PEM.'),
  servicesConfigPath: optionalText.describe(
    `Services file. Default ${DEFAULT_SERVICES_FILE}; read again when it changes.`,
  ),
  servicesConfigFile: optionalText.describe(
    'Same as servicesConfigPath, as later versions spell it.',
  ),
  insecureControllerAllowed: onOff
    .optional()
    .describe(
      'Connect to the controller without TLS, for an ingress or sidecar that adds it. The agent proves its key in the session itself.',
    ),
  insecureControllerConnection: onOff
    .optional()
    .describe('Same as insecureControllerAllowed, as later versions spell it.'),
});

const schema = options
  .check(
    ...operationsChecks('agent'),
    related(
      ['controllerHostname', 'controllerHostnames'],
      (config) =>
        config.controllerHostname === undefined || config.controllerHostnames === undefined,
      'cannot stand beside controllerHostname: put all controllers into controllerHostnames',
    ),
    related(
      ['servicesConfigPath', 'servicesConfigFile'],
      (config) => agree(config.servicesConfigPath, config.servicesConfigFile),
      'says something else than servicesConfigPath: remove one of the two',
    ),
    related(
      ['insecureControllerAllowed', 'insecureControllerConnection'],
      (config) => agree(config.insecureControllerAllowed, config.insecureControllerConnection),
      'says the opposite of insecureControllerAllowed: remove one of the two',
    ),
  )
  .transform(
    ({
      controllerHostname,
      controllerHostnames,
      servicesConfigFile,
      insecureControllerConnection,
      ...config
    }) => ({
      ...config,
      /** Where to dial, in turn; at least one. */
      controllers: controllerHostnames ?? [controllerHostname ?? DEFAULT_CONTROLLER],
      servicesConfigPath: config.servicesConfigPath ?? servicesConfigFile ?? DEFAULT_SERVICES_FILE,
      insecureControllerAllowed:
        config.insecureControllerAllowed ?? insecureControllerConnection ?? false,
    }),
  );

function agree<T>(one: T | undefined, other: T | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

const RECONNECTS =
  'the agent reconnects for ever; limits.reconnectMinMs and limits.reconnectMaxMs set the pace';

const obsolete: ConfigFormat<unknown>['obsolete'] = {
  dialMaxRetries: RECONNECTS,
  dialRetryTime: RECONNECTS,
  authTokenFile: 'agents identify themselves by certificate (certFile, keyFile), not by token',
};

/** Everything the agent can be told. */
export type AgentConfig = Frozen<z.output<typeof schema>>;

/** How the agent's file is read; its schema carries the documentation of every option. */
export const agentConfigFormat: ConfigFormat<z.output<typeof schema>> & {
  readonly options: typeof options;
} = { options, schema, obsolete };

/** Reads the agent's configuration file. Throws CONFIG_INVALID with every problem. */
export function readAgentConfig(file: string): ReadConfig<z.output<typeof schema>> {
  return readConfig(file, agentConfigFormat);
}

/** The same from a text, for tests; `file` is only its name in messages. */
export function parseAgentConfig(text: string, file: string): ReadConfig<z.output<typeof schema>> {
  return parseConfig(text, file, agentConfigFormat);
}

const agentInfo = z.strictObject({
  annotations: z
    .record(z.string(), z.string())
    .default({})
    .describe('Shown to operators with the agent.'),
});

const servicesOptions = z.strictObject({
  agentInfo: agentInfo.prefault({}).describe('About the agent itself.'),
  outgoingServices: outgoingServicesSchema.describe('What the agent reaches.'),
  incomingServices: incomingServicesSchema('agent').describe(
    "Ports here whose requests are executed at the controller's side. Always plain HTTP.",
  ),
});

/** The agent's services file. */
export type ServicesConfig = Frozen<z.output<typeof servicesOptions>>;

/** How the services file is read. */
export const servicesConfigFormat: ConfigFormat<z.output<typeof servicesOptions>> & {
  readonly options: typeof servicesOptions;
} = {
  options: servicesOptions,
  schema: servicesOptions,
  obsolete: {
    services:
      'it is the key of version 2, and nothing under it is offered; rename it to outgoingServices',
    commands: 'remote commands are not supported; the Go versions dropped them too',
  },
  notes: ({ outgoingServices }) => outgoingServiceNotes(outgoingServices),
};

/** Reads the services file. Throws CONFIG_INVALID with every problem. */
export function readServicesConfig(file: string): ReadConfig<z.output<typeof servicesOptions>> {
  return readConfig(file, servicesConfigFormat);
}

/** The same from a text, for tests; `file` is only its name in messages. */
export function parseServicesConfig(
  text: string,
  file: string,
): ReadConfig<z.output<typeof servicesOptions>> {
  return parseConfig(text, file, servicesConfigFormat);
}
