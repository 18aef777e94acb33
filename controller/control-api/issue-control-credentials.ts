/**
 * POST /api/v1/generateControlCredentials: a further certificate for the control API itself.
 * v3.5 issued one with purpose agent here, which its control API then refused and its agent port
 * would have accepted; ours has purpose control.
 */
import { httpsUrl } from '../rendering/service-url.js';
import type { ControlApiParts } from './control-api-parts.js';
import { jsonEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { jsonResponse } from './control-response.js';
import { base64Pem, issueCertificate } from './issue-certificate.js';
import { plainName } from './request-fields.js';

/** Request {name}; issues a control certificate. */
export function issueControlCredentials(parts: ControlApiParts): ControlEndpoint {
  return jsonEndpoint({ name: plainName }, async (request, operator) => {
    const identity = { purpose: 'control', name: request.name } as const;
    const issued = await issueCertificate(parts, operator, identity);
    return jsonResponse({
      name: request.name,
      url: httpsUrl(parts.addresses.controlHostname, parts.addresses.controlPort),
      userCertificate: base64Pem(issued.certPem),
      userKey: base64Pem(issued.keyPem),
      caCert: base64Pem(parts.certificates.caPem),
    });
  });
}
