/**
 * The part of an agent manifest that the agent reads: its certificate (Secret), its configuration and
 * the services it offers when the user supplies none (ConfigMap).
 *
 * Services: v3.5 let users supply a ConfigMap `opsmx-services-<agent>` (later a Secret) of their own. The
 * manifest contains no object of that name, or each new one would wipe out their services. Instead the
 * generated services.yaml lies in the agent's own ConfigMap and is what the agent sees until a user's
 * ConfigMap or Secret of that name appears (agent-workload.ts mounts all three, the later over the earlier).
 */
import { createHash } from 'node:crypto';
import { hostPortText } from '../../shared/config/host-port.js';
import { AGENT_BUFFER_BYTES } from './agent-memory.js';
import type { AgentManifestOptions } from './agent-manifest.js';
import { agentMetricsTls } from './agent-metrics-tls.js';
import { agentMetadata } from './agent-object.js';
import { yamlText, type YamlDocument } from './yaml-text.js';

/** The documents, and a digest of what they hold: the pods carry it, so that a change replaces them. */
export interface AgentSettings {
  readonly documents: readonly YamlDocument[];
  readonly sha256: string;
}

/** Secret and ConfigMap of the agent. */
export function agentSettings(options: AgentManifestOptions): AgentSettings {
  const secretData = {
    'tls.crt': base64(options.certPem),
    'tls.key': base64(options.keyPem),
  };
  const configData = {
    configFile: yamlText(agentConfig(options)),
    'services.yaml': `${SERVICES_COMMENT}${yamlText(servicesFile(options))}`,
  };
  return {
    documents: [
      {
        comment: [],
        content: {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: agentMetadata(options),
          type: 'kubernetes.io/tls',
          data: secretData,
        },
      },
      {
        comment: [
          `To offer other services, create a ConfigMap or Secret "opsmx-services-${options.agent}" in this namespace`,
          'with the key "services.yaml". It takes the place of the services.yaml below, and applying this file',
          'again leaves it alone. One that exists from ISD is used as it is.',
        ],
        content: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: agentMetadata(options),
          data: configData,
        },
      },
    ],
    sha256: createHash('sha256')
      .update(JSON.stringify([secretData, configData]))
      .digest('hex'),
  };
}

const SERVICES_COMMENT = `# What the agent offers to callers of the controller. Another example:
#   - {enabled: true, name: ci, type: jenkins, config: {url: "https://jenkins.internal",
#      credentials: {type: basic, secretName: jenkins-user}}}
`;

function agentConfig(options: AgentManifestOptions): object {
  const { controllerHost, controllerPort, caPem } = options;
  return {
    controllerHostname: hostPortText({ host: controllerHost, port: controllerPort }),
    // goes before the next one; not ca.pem, which users give the CA of a target in their services ConfigMap
    caCertFile: '/app/config/controller-ca.pem',
    caCert64: base64(caPem),
    limits: {
      sessionBufferBudgetBytes: AGENT_BUFFER_BYTES,
      processBufferBudgetBytes: AGENT_BUFFER_BYTES,
    },
    ...agentMetricsTls(options).config,
  };
}

/** One kubernetes service, by the pod's own ServiceAccount. */
function servicesFile({ kubernetesName, access, targetNamespaces }: AgentManifestOptions): object {
  const service = { enabled: true, name: kubernetesName, type: 'kubernetes' };
  // v3.5's way to report which namespaces an account is meant for; it restricts nothing by itself.
  const namespaces =
    access === 'namespaced' && targetNamespaces.length > 0
      ? { namespaces: [{ name: kubernetesName, namespaces: targetNamespaces }] }
      : {};
  return { outgoingServices: access === 'none' ? [] : [{ ...service, ...namespaces }] };
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
