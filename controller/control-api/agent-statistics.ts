/**
 * GET /api/v1/getAgentStatistics: who is connected. The shape is v3.5's (times in ms, annotations as
 * objects); stormdriver and SAPOR read it. What we know beyond v3.5 stands in further fields.
 */
import type { ServiceAdvertisement } from '../../shared/service-advertisement.js';
import type { ConnectedAgent } from '../agents/connected-agent.js';
import type { ControlApiParts } from './control-api-parts.js';
import { readEndpoint, type ControlEndpoint } from './control-endpoint.js';
import { jsonResponse, withoutEmpty } from './control-response.js';

/** One element per session, in no particular order. */
export function agentStatistics(
  parts: Pick<ControlApiParts, 'agents' | 'clock' | 'version'>,
): ControlEndpoint {
  return readEndpoint(() =>
    jsonResponse({
      serverTime: parts.clock.now(),
      version: parts.version,
      connectedAgents: parts.agents.list().map(statisticsOf),
    }),
  );
}

function statisticsOf(agent: ConnectedAgent): object {
  return withoutEmpty({
    name: agent.name,
    session: agent.session,
    connectionType: 'direct',
    endpoints: agent.services.map(endpointOf),
    version: agent.version,
    hostname: agent.hostname,
    agentInfo: { annotations: agent.annotations },
    connectedAt: agent.connectedAt,
    lastPing: agent.lastPing,
    lastUse: agent.lastUse,
    state: agent.state,
    remoteAddress: agent.remoteAddress,
    rttMs: agent.rttMs,
    openStreams: agent.openStreams,
  });
}

function endpointOf(service: ServiceAdvertisement): object {
  return withoutEmpty({
    name: service.name,
    type: service.type,
    configured: service.configured,
    annotations: service.annotations,
    namespaces: service.namespaces,
    accountId: service.accountId,
    assumeRole: service.assumeRole,
  });
}
