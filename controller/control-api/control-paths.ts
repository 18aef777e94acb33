/**
 * The paths of the control API; the first five are v3.5's. Apart from the endpoints, so that commands
 * can name them without loading what issues certificates.
 */
export const CONTROL_PATHS = {
  kubectlComponents: '/api/v1/generateKubectlComponents',
  agentManifestComponents: '/api/v1/generateAgentManifestComponents',
  serviceCredentials: '/api/v1/generateServiceCredentials',
  controlCredentials: '/api/v1/generateControlCredentials',
  agentStatistics: '/api/v1/getAgentStatistics',
  kubeconfig: '/api/v1/generateKubeconfig',
  agentManifest: '/api/v1/generateAgentManifest',
} as const;
