/**
 * What an agent manifest needs for TLS on the port for metrics and health: options, volume, mount, and
 * probes that speak TLS. Certificate, key and, for `mutual`, the CA of scrapers come from a Secret in the
 * form of cert-manager, which the manifest names and does not hold.
 */
import type { AgentManifestOptions } from './agent-manifest.js';
import { agentObjectName } from './name-rules.js';

const MOUNT_PATH = '/app/secrets/metrics';
const VOLUME = 'metrics-certificate';

/** The pieces; without TLS all of them are empty. */
export interface AgentMetricsTls {
  readonly config: object;
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
  /** For the httpGet of probes; the kubelet verifies nothing and shows no certificate. */
  readonly probe: object;
  /** For those who scrape pods by annotations. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** The pieces for what the options ask for. */
export function agentMetricsTls({ agent, prometheusTls }: AgentManifestOptions): AgentMetricsTls {
  if (prometheusTls === 'off') {
    return { config: {}, volumes: [], volumeMounts: [], probe: {}, annotations: {} };
  }
  return {
    config: {
      prometheusTLS: prometheusTls,
      prometheusCertFile: `${MOUNT_PATH}/tls.crt`,
      prometheusKeyFile: `${MOUNT_PATH}/tls.key`,
      ...(prometheusTls === 'mutual' && { prometheusClientCAFile: `${MOUNT_PATH}/ca.crt` }),
    },
    volumes: [
      { name: VOLUME, secret: { secretName: metricsSecretName(agent), defaultMode: 0o440 } },
    ],
    volumeMounts: [{ name: VOLUME, mountPath: MOUNT_PATH, readOnly: true }],
    probe: { scheme: 'HTTPS' },
    annotations: { 'prometheus.io/scheme': 'https' },
  };
}

/** The Secret (tls.crt, tls.key, ca.crt) that pods with TLS on this port mount. */
function metricsSecretName(agent: string): string {
  return `${agentObjectName(agent)}-metrics`;
}
