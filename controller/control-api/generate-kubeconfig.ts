/**
 * POST /api/v1/generateKubeconfig: a kubeconfig ready to use, as YAML. Not in v3.5, where SAPOR had to
 * put one together from components.
 */
import { TunnelError } from '../../shared/errors.js';
import { agentName, type Route } from '../../shared/ids.js';
import { renderKubeconfig, type KubeconfigCredential } from '../rendering/kubeconfig.js';
import { routeUrlByHost, routeUrlByPath } from '../rendering/service-url.js';
import type { ControlApiParts, ControllerAddresses } from './control-api-parts.js';
import { jsonEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { yamlResponse } from './control-response.js';
import { issueCertificate } from './issue-certificate.js';
import { issueToken } from './issue-token.js';
import type { Operator } from './operator-auth.js';
import { objectAgentName, oneOf, optionalNamespace, pathName } from './request-fields.js';

const FIELDS = {
  agentName: objectAgentName,
  name: pathName,
  /** What identifies the caller: a client certificate, or a token where TLS ends at a proxy. */
  credential: oneOf(['certificate', 'token']),
  /** What tells routes apart in the server URL: a path prefix, or a host name below `serviceDomain`. */
  address: oneOf(['path', 'host']),
  /** Default namespace of the context. */
  namespace: optionalNamespace,
};

/** Request {agentName, name, credential?, address?, namespace?}. */
export function generateKubeconfig(parts: ControlApiParts): ControlEndpoint {
  return jsonEndpoint(FIELDS, async (request, operator) => {
    const service = { type: 'kubernetes', name: request.name };
    const route = { agent: agentName(request.agentName), service };
    const serverUrl = serverUrlOf(route, request.address, parts.addresses);
    return yamlResponse(
      renderKubeconfig({
        agent: request.agentName,
        name: request.name,
        namespace: request.namespace,
        serverUrl,
        caPem: parts.certificates.caPem,
        credential: await credentialOf(route, request.credential, parts, operator),
      }),
    );
  });
}

function serverUrlOf(
  route: Route,
  address: 'path' | 'host',
  addresses: ControllerAddresses,
): string {
  const { serviceHostname, servicePort, serviceDomain } = addresses;
  if (address === 'path') return routeUrlByPath(serviceHostname, servicePort, route);
  if (serviceDomain !== undefined) return routeUrlByHost(serviceDomain, servicePort, route);
  throw new TunnelError(
    'CONTROL_REQUEST_INVALID',
    `'address' is invalid: host names per route need serviceDomain in the controller's configuration; use "path"`,
  );
}

async function credentialOf(
  route: Route,
  kind: 'certificate' | 'token',
  parts: ControlApiParts,
  operator: Operator,
): Promise<KubeconfigCredential> {
  if (kind === 'token') return { kind, token: await issueToken(parts, operator, route) };
  const issued = await issueCertificate(parts, operator, { purpose: 'service', route });
  return { kind, certPem: issued.certPem, keyPem: issued.keyPem, notAfter: issued.notAfter };
}
