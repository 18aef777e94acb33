/**
 * Looks at configured services without using them, for `--check`: kubeconfigs, certificates and credential
 * files are read and checked as at a start, nothing is dialled. Exec plugins are not run and Secrets not read.
 */
import type { Clock } from '../clock.js';
import type { Findings } from '../config/findings.js';
import type { OutgoingService } from '../config/services-config.js';
import { assertNever, TunnelError } from '../errors.js';
import { serviceText } from '../ids.js';
import { genericPlanner } from './generic-target.js';
import type { KubernetesEnvironment } from './kubernetes-environment.js';
import type { SecretReader } from './kubernetes-secrets.js';
import { kubernetesPlanner } from './kubernetes-target.js';
import type { PlanParts, PlanTarget } from './target-plan.js';

/** Where services are looked at from. */
export interface ServiceCheckDeps {
  readonly clock: Clock;
  readonly kubernetes: KubernetesEnvironment;
}

/** What a Secret holds is not known here; what depends on it is taken to be right. */
class SecretUnread extends Error {}

const UNREAD_SECRETS: SecretReader = {
  read: () => {
    throw new SecretUnread();
  },
  refused: () => undefined,
};

/** Adds to `findings` what is wrong with those that are enabled; `file` is where they are configured. */
export async function checkServices(
  services: readonly OutgoingService[],
  file: string,
  findings: Findings,
  { clock, kubernetes }: ServiceCheckDeps,
): Promise<void> {
  const parts: PlanParts = {
    clock,
    kubernetes,
    secrets: UNREAD_SECRETS,
    onCredentialFailure: () => undefined,
    signal: new AbortController().signal,
    runsPlugins: false,
  };
  for (const service of services.filter(({ enabled }) => enabled)) {
    const name = `${file}: service ${serviceText(service)}`;
    try {
      const plan = await plannerOf(service, parts)?.();
      for (const warning of plan?.warnings ?? []) findings.warn(`${name}: ${warning}`);
      await plan?.createCredentialSource().current();
    } catch (reason) {
      if (reason instanceof SecretUnread) continue;
      if (!(reason instanceof TunnelError)) throw reason;
      findings.add(`${name}: ${reason.message}`);
    }
  }
}

function plannerOf(service: OutgoingService, parts: PlanParts): PlanTarget | undefined {
  switch (service.kind) {
    case 'kubernetes':
      return kubernetesPlanner(service.config, parts);
    case 'generic':
      return genericPlanner(service.config, parts);
    case 'unsupported':
      return undefined; // warned of where the file is read
    default:
      return assertNever(service);
  }
}
