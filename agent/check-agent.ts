/**
 * `fairlead agent --check`: reads all that configuration and services file name, as a start would, opens no
 * port and dials nobody.
 */
import { Findings } from '../shared/config/findings.js';
import { checkServices } from '../shared/forwarding/service-check.js';
import type { ServiceCheckDeps } from '../shared/forwarding/service-check.js';
import { readOperationsPair, readScraperCa } from '../shared/operations/operations-files.js';
import { readServicesConfig } from './config.js';
import type { AgentConfig } from './config.js';
import { readAgentPair, readControllerCa } from './link-identity.js';

/** Resolves with warnings. Rejects with CONFIG_INVALID that tells everything that is wrong. */
export async function checkAgent(
  config: AgentConfig,
  deps: ServiceCheckDeps,
): Promise<readonly string[]> {
  const { servicesConfigPath: servicesFile } = config;
  const nowMs = deps.clock.now();
  const findings = new Findings();
  findings.look(() => readAgentPair(config, nowMs));
  findings.look(() => readControllerCa(config, nowMs));
  findings.look(() => readOperationsPair(config, nowMs));
  findings.look(() => readScraperCa(config, nowMs));
  const services = findings.look(() => readServicesConfig(servicesFile));
  if (services !== undefined) {
    findings.warn(...services.warnings);
    const { outgoingServices } = services.config;
    await checkServices(outgoingServices, servicesFile, findings, deps);
  }
  return findings.verdict();
}
