/**
 * Where a process finds Kubernetes: the API server that a pod is told of, the files of its service
 * account, the place of its kubeconfig. Handed in, so that nothing below reads the environment.
 */

/** The API server of the cluster that this process runs in. */
export interface InClusterAccess {
  readonly host: string;
  readonly port: number;
  readonly tokenFile: string;
  readonly caFile: string;
  /** Namespace of the pod (POD_NAMESPACE); without it no Secrets can be read. */
  readonly namespace: string | undefined;
}

/** Everything about Kubernetes that does not stand in the configuration. */
export interface KubernetesEnvironment {
  /** Used where a service names no kubeconfig. */
  readonly defaultKubeconfig: string;
  /** Undefined outside of a cluster. */
  readonly inCluster: InClusterAccess | undefined;
  /** Environment of exec plugins. */
  readonly execEnv: Readonly<Record<string, string | undefined>>;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Reads what Kubernetes tells a pod; called by the entry files with process.env. */
export function kubernetesEnvironmentFrom(
  env: Readonly<Record<string, string | undefined>>,
): KubernetesEnvironment {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = Number(env['KUBERNETES_SERVICE_PORT'] ?? '443');
  const namespace = env['POD_NAMESPACE'] ?? '';
  const inCluster: InClusterAccess = {
    host,
    port,
    tokenFile: `${SERVICE_ACCOUNT}/token`,
    caFile: `${SERVICE_ACCOUNT}/ca.crt`,
    namespace: namespace === '' ? undefined : namespace,
  };
  const isInCluster = host !== '' && Number.isInteger(port) && port > 0 && port <= 65535;
  return {
    defaultKubeconfig: '/app/config/kubeconfig.yaml',
    inCluster: isInCluster ? inCluster : undefined,
    execEnv: env,
  };
}
