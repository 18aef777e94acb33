/**
 * POST /api/v1/generateAgentManifestComponents: the parts of an agent manifest, from which SAPOR renders one.
 */
import { agentName } from '../../shared/ids.js';
import type { ControlApiParts } from './control-api-parts.js';
import { jsonEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { jsonResponse } from './control-response.js';
import { base64Pem, issueCertificate } from './issue-certificate.js';
import { plainName } from './request-fields.js';

/** Request {agentName}; issues an agent certificate. */
export function issueAgentManifestComponents(parts: ControlApiParts): ControlEndpoint {
  return jsonEndpoint({ agentName: plainName }, async (request, operator) => {
    const agent = agentName(request.agentName);
    const issued = await issueCertificate(parts, operator, { purpose: 'agent', agent });
    return jsonResponse({
      agentName: request.agentName,
      serverHostname: parts.addresses.agentHostname,
      serverPort: parts.addresses.agentPort,
      agentVersion: parts.version,
      agentCertificate: base64Pem(issued.certPem),
      agentKey: base64Pem(issued.keyPem),
      caCert: base64Pem(parts.certificates.caPem),
    });
  });
}
