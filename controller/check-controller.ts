/**
 * `fairlead controller --check`: reads all that the configuration names, as a start would, opens no port
 * and dials nobody.
 */
import { Findings } from '../shared/config/findings.js';
import { checkServices } from '../shared/forwarding/service-check.js';
import type { ServiceCheckDeps } from '../shared/forwarding/service-check.js';
import { readOperationsPair, readScraperCa } from '../shared/operations/operations-files.js';
import { loadCertificateAuthority } from './certificates/authority.js';
import { neededKeys, readControllerConfig } from './config.js';
import { KeyDirectory, signingKey } from './tokens/key-set.js';

/** Resolves with warnings. Rejects with CONFIG_INVALID that tells everything that is wrong. */
export async function checkController(
  configFile: string,
  deps: ServiceCheckDeps,
): Promise<readonly string[]> {
  const { config, warnings } = readControllerConfig(configFile);
  const { caConfig, serviceAuth, services } = config;
  const { clock } = deps;
  const findings = new Findings();
  findings.warn(...warnings);
  const ca = { certFile: caConfig.caCertFile, keyFile: caConfig.caKeyFile };
  const authority = findings.look(() => loadCertificateAuthority(ca, clock));
  findings.warn(...(authority?.warnings ?? []));
  const keys = findings.look(() => new KeyDirectory(serviceAuth.secretsPath).current());
  if (keys !== undefined) {
    for (const [option, id] of Object.entries(neededKeys(config))) {
      findings.look(() => signingKey(keys, id, option));
    }
  }
  findings.look(() => readOperationsPair(config, clock.now()));
  findings.look(() => readScraperCa(config, clock.now()));
  await checkServices(services.outgoingServices, configFile, findings, deps);
  return findings.verdict();
}
