/**
 * A kube-apiserver as a target: by kubeconfig, or by the service account of the pod. The server is always
 * verified unless a kubeconfig says otherwise in so many words.
 */
import { urlHost } from '../config/host-port.js';
import type { KubernetesService } from '../config/services-config.js';
import { fileCredentialSource } from './credential-source.js';
import { planFromKubeconfig } from './kubeconfig-plan.js';
import type { InClusterAccess } from './kubernetes-environment.js';
import { endpointAt, parseServerUrl } from './server-address.js';
import { readTargetFile, readTargetFileIfAny, targetFault } from './target-file.js';
import { idOf } from './target-plan.js';
import type { PlanParts, PlanTarget, TargetPlan } from './target-plan.js';
import { targetTlsSettings } from './target-tls-settings.js';

/**
 * How a kubernetes service is planned. The service account serves only as long as no kubeconfig has been
 * seen: one that vanishes later (it is being replaced) must not change who we are.
 */
export function kubernetesPlanner(
  config: KubernetesService['config'],
  parts: PlanParts,
): PlanTarget {
  const file = config.kubeConfig ?? parts.kubernetes.defaultKubeconfig;
  let wasThere = false;
  return async () => {
    const content = await readTargetFileIfAny(file, 'kubeconfig');
    if (content !== undefined) {
      wasThere = true;
      return planFromKubeconfig(content, file, config.context, parts);
    }
    const { inCluster } = parts.kubernetes;
    if (wasThere || inCluster === undefined || config.context !== undefined) {
      throw targetFault(`kubeconfig ${JSON.stringify(file)} does not exist`);
    }
    return planFromServiceAccount(inCluster, parts, config.kubeConfig);
  };
}

async function planFromServiceAccount(
  access: InClusterAccess,
  parts: PlanParts,
  missingFile: string | undefined,
): Promise<TargetPlan> {
  const { host, port, tokenFile, caFile } = access;
  const ca = { text: await readTargetFile(caFile, 'service account CA'), name: caFile };
  const address = parseServerUrl(`https://${urlHost(host)}:${port}`, 'KUBERNETES_SERVICE_HOST');
  const tls = targetTlsSettings(
    { ca, clientCertificate: undefined, serverName: undefined, isVerified: true },
    parts.clock.now(),
  );
  const rules = { clock: parts.clock, onFailure: parts.onCredentialFailure };
  return {
    endpoint: endpointAt(address, tls),
    credentialId: idOf('service account', tokenFile),
    createCredentialSource: () =>
      fileCredentialSource('bearer', { token: { file: tokenFile } }, rules),
    warnings:
      missingFile === undefined
        ? []
        : [`kubeconfig "${missingFile}" does not exist: the service account of the pod is used`],
  };
}
