/**
 * POST /api/v1/generateKubectlComponents: the parts of a kubeconfig, from which SAPOR renders one.
 * The three PEM values are base64 so that they can go into a kubeconfig or Secret as they are.
 */
import { agentName } from '../../shared/ids.js';
import { httpsUrl } from '../rendering/service-url.js';
import type { ControlApiParts } from './control-api-parts.js';
import { jsonEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { jsonResponse } from './control-response.js';
import { base64Pem, issueCertificate } from './issue-certificate.js';
import { plainName } from './request-fields.js';

/** Request {agentName, name}; issues a service certificate for type kubernetes. */
export function issueKubectlComponents(parts: ControlApiParts): ControlEndpoint {
  return jsonEndpoint({ agentName: plainName, name: plainName }, async (request, operator) => {
    const service = { type: 'kubernetes', name: request.name };
    const route = { agent: agentName(request.agentName), service };
    const issued = await issueCertificate(parts, operator, { purpose: 'service', route });
    return jsonResponse({
      agentName: request.agentName,
      name: request.name,
      serverUrl: httpsUrl(parts.addresses.serviceHostname, parts.addresses.servicePort),
      userCertificate: base64Pem(issued.certPem),
      userKey: base64Pem(issued.keyPem),
      caCert: base64Pem(parts.certificates.caPem),
    });
  });
}
