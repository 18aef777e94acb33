/**
 * The control API without its sockets: finds the endpoint of a request, refuses what may not come in,
 * and turns every failure into an answer. Order as in v3.5: path, method, credential, body.
 * `control-listener.ts` is its door; the endpoints have a file each.
 */
import type { Clock } from '../../shared/clock.js';
import { tunnelErrorFrom } from '../../shared/errors.js';
import { LogField, type Log } from '../../shared/log.js';
import { agentStatistics } from './agent-statistics.js';
import type { ControlApiParts } from './control-api-parts.js';
import type { ControlEndpoint } from './control-endpoint.js';
import { CONTROL_PATHS } from './control-paths.js';
import { errorAnswer, refusal, unknownPath, type ControlResponse } from './control-response.js';
import { generateAgentManifest } from './generate-agent-manifest.js';
import { generateKubeconfig } from './generate-kubeconfig.js';
import { issueAgentManifestComponents } from './issue-agent-manifest-components.js';
import { issueControlCredentials } from './issue-control-credentials.js';
import { issueKubectlComponents } from './issue-kubectl-components.js';
import { issueServiceCredentials } from './issue-service-credentials.js';
import { operatorOf, type ClientCertificate } from './operator-auth.js';

/** One request, as the API needs to see it. */
export interface ControlRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  /** For the log. */
  readonly remoteAddress: string;
  readonly client: ClientCertificate;
  /** The whole body as UTF-8; called at most once, and only for requests that may come in. */
  readBody(): Promise<string>;
}

/** Answers requests of operators. */
export class ControlApi {
  private readonly endpoints: ReadonlyMap<string, ControlEndpoint>;
  private readonly clock: Clock;

  constructor(
    parts: ControlApiParts,
    private readonly log: Log,
  ) {
    this.clock = parts.clock;
    this.endpoints = new Map([
      [CONTROL_PATHS.kubectlComponents, issueKubectlComponents(parts)],
      [CONTROL_PATHS.agentManifestComponents, issueAgentManifestComponents(parts)],
      [CONTROL_PATHS.serviceCredentials, issueServiceCredentials(parts)],
      [CONTROL_PATHS.controlCredentials, issueControlCredentials(parts)],
      [CONTROL_PATHS.agentStatistics, agentStatistics(parts)],
      [CONTROL_PATHS.kubeconfig, generateKubeconfig(parts)],
      [CONTROL_PATHS.agentManifest, generateAgentManifest(parts)],
    ]);
  }

  /** The answer to one request; never rejects. */
  async handle(request: ControlRequest): Promise<ControlResponse> {
    const endpoint = this.endpoints.get(pathOf(request.target));
    if (endpoint === undefined) return unknownPath();
    if (request.method !== endpoint.method) {
      return refusal(405, `only '${endpoint.method}' is accepted (not '${request.method}')`, {
        Allow: endpoint.method,
      });
    }
    try {
      const operator = operatorOf(request.client, this.clock.now());
      const body = endpoint.method === 'GET' ? '' : await request.readBody();
      return await endpoint.answer(body, operator);
    } catch (reason) {
      return this.failure(reason, request);
    }
  }

  private failure(reason: unknown, request: ControlRequest): ControlResponse {
    const error = tunnelErrorFrom(reason);
    const facts = {
      [LogField.path]: pathOf(request.target),
      [LogField.remoteAddress]: request.remoteAddress,
      [LogField.code]: error.code,
    };
    if (error.kind.status >= 500) {
      this.log.error({ ...facts, err: reason }, 'control API request failed');
    } else {
      this.log.warn({ ...facts, [LogField.reason]: error.message }, 'control API request refused');
    }
    return errorAnswer(error);
  }
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
