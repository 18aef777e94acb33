/**
 * POST /api/v1/generateServiceCredentials: a token for a service, dressed as the credential that
 * clients of that type can be given: an AWS key pair, or a user and password for everything else.
 */
import { agentName } from '../../shared/ids.js';
import { httpsUrl } from '../rendering/service-url.js';
import type { ControlApiParts } from './control-api-parts.js';
import { jsonEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { jsonResponse } from './control-response.js';
import { base64Pem } from './issue-certificate.js';
import { issueToken } from './issue-token.js';
import { plainName, serviceType } from './request-fields.js';

const FIELDS = { agentName: plainName, name: plainName, type: serviceType };

/** Request {agentName, type, name}. Also type kubernetes gets a token here, as in v3.5. */
export function issueServiceCredentials(parts: ControlApiParts): ControlEndpoint {
  return jsonEndpoint(FIELDS, async (request, operator) => {
    const service = { type: request.type, name: request.name };
    const route = { agent: agentName(request.agentName), service };
    const token = await issueToken(parts, operator, route);
    return jsonResponse({
      agentName: request.agentName,
      name: request.name,
      type: request.type,
      ...credential(request.type, userName(request.name, request.agentName), token),
      url: httpsUrl(parts.addresses.serviceHostname, parts.addresses.servicePort),
      caCert: base64Pem(parts.certificates.caPem),
    });
  });
}

/**
 * Never checked, only for people to read. A colon would end the user name in HTTP Basic and spoil the
 * password, so it becomes an underscore.
 */
function userName(name: string, agent: string): string {
  return `${name}.${agent}`.replaceAll(':', '_');
}

function credential(type: string, username: string, token: string): object {
  if (type === 'aws') {
    return {
      credentialType: 'aws',
      credential: { awsAccessKey: username, awsSecretAccessKey: token },
    };
  }
  return {
    username, // beside `credential` for readers of v2's shape, as v3.5 has it
    password: token,
    credentialType: 'basic',
    credential: { username, password: token },
  };
}
