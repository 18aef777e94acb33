/**
 * POST /api/v1/generateAgentManifest: everything an agent needs in its cluster, as one YAML file for
 * `kubectl apply`. Not in v3.5, where SAPOR had to put one together from components.
 */
import { OPERATIONS_TLS } from '../../shared/config/operations-tls.js';
import { TunnelError } from '../../shared/errors.js';
import { agentName } from '../../shared/ids.js';
import { AGENT_ACCESS, renderAgentManifest } from '../rendering/agent-manifest.js';
import type { ControlApiParts } from './control-api-parts.js';
import { jsonEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { yamlResponse } from './control-response.js';
import { issueCertificate } from './issue-certificate.js';
import {
  namespaceName,
  namespaceNames,
  objectAgentName,
  oneOf,
  optionalFlag,
  optionalImage,
  optionalInteger,
  optionalPathName,
  secretNames,
} from './request-fields.js';

/** v3.5's number: one agent may be updated, another lost, and a third still serves. */
const DEFAULT_REPLICAS = 3;

const FIELDS = {
  agentName: objectAgentName,
  namespace: namespaceName('default'),
  createNamespace: optionalFlag,
  replicas: optionalInteger(1, 100),
  image: optionalImage,
  rbac: oneOf(AGENT_ACCESS),
  /** Where rbac "namespaced" gives rights; empty means the agent's own namespace. */
  targetNamespaces: namespaceNames,
  /** Name of the Kubernetes service that the agent offers at once; default: the agent's name. */
  name: optionalPathName,
  /** Secrets in the agent's namespace that services name by secretName. */
  secretNames,
  /** The agent's option of that name; its certificate is the business of a Secret beside the manifest. */
  prometheusTLS: oneOf(OPERATIONS_TLS),
};

/** Request {agentName, …}; everything but the name has a default. */
export function generateAgentManifest(parts: ControlApiParts): ControlEndpoint {
  return jsonEndpoint(FIELDS, async (request, operator) => {
    const agent = agentName(request.agentName);
    if (request.targetNamespaces.length > 0 && request.rbac !== 'namespaced') {
      throw new TunnelError(
        'CONTROL_REQUEST_INVALID',
        `'targetNamespaces' is invalid: it limits rbac "namespaced" only, and rbac "${request.rbac}" would give rights beyond them`,
      );
    }
    const issued = await issueCertificate(parts, operator, { purpose: 'agent', agent });
    return yamlResponse(
      renderAgentManifest({
        agent: request.agentName,
        namespace: request.namespace,
        createNamespace: request.createNamespace,
        replicas: request.replicas ?? DEFAULT_REPLICAS,
        image: request.image ?? parts.agentImage ?? `fairlead-agent:${parts.version}`,
        access: request.rbac,
        targetNamespaces: request.targetNamespaces,
        kubernetesName: request.name ?? request.agentName,
        secretNames: request.secretNames,
        prometheusTls: request.prometheusTLS,
        controllerHost: parts.addresses.agentHostname,
        controllerPort: parts.addresses.agentPort,
        caPem: parts.certificates.caPem,
        certPem: issued.certPem,
        keyPem: issued.keyPem,
        notAfter: issued.notAfter,
        version: parts.version,
      }),
    );
  });
}
