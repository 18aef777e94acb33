/**
 * The files of a demo: CA, credentials and configurations in a directory of its own, as an operator
 * would have them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { initCa } from '../../controller/commands/ca-init.js';
import { certificateAuthorityFromPem } from '../../controller/certificates/authority.js';
import { makeCertificateAuthority } from '../../controller/certificates/make-authority.js';
import type { Clock } from '../../shared/clock.js';

/** Names that the demo uses. */
export const DEMO = { agent: 'demo', account: 'demo', jenkins: 'jenkins' } as const;

/** TLS material of a demo target, PEM. */
export interface TargetCertificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Where things are. */
export interface DemoFiles {
  readonly dir: string;
  readonly ca: string;
  readonly controlCert: string;
  readonly controlKey: string;
  readonly controllerConfig: string;
}

/** A certificate for a server on loopback, of a CA of its own. */
export async function targetCertificate(clock: Clock): Promise<TargetCertificate> {
  const pair = await makeCertificateAuthority({ keyType: 'ecdsa', name: 'Demo cluster CA' }, clock);
  const authority = certificateAuthorityFromPem(pair, clock);
  const issued = await authority.issueServerCertificate(['localhost', '127.0.0.1']);
  return { ca: pair.certPem, cert: issued.certPem, key: issued.keyPem };
}

/** The environment for the demo's programs: what goes to loopback passes by the user's proxies. */
export function demoEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  const list = [own, 'localhost', '127.0.0.1'].filter((item) => item !== '').join(',');
  // grpc-js takes the last one, where it is set, before the others
  return { ...env, no_proxy: list, NO_PROXY: list, no_grpc_proxy: list };
}

/** Makes CA, credentials and the controller's configuration; all ports are free ones. */
export async function writeControllerFiles(dir: string, clock: Clock): Promise<DemoFiles> {
  const secrets = join(dir, 'secrets');
  await initCa({ dir: secrets, alsoAgentNamed: DEMO.agent }, clock);
  const controllerConfig = join(dir, 'controller.yaml');
  writeYaml(controllerConfig, {
    agentHostname: 'localhost',
    serviceHostname: 'localhost',
    controlHostname: 'localhost',
    serverNames: ['127.0.0.1'],
    bindAddress: '127.0.0.1',
    agentListenPort: 0,
    serviceListenPort: 0,
    controlListenPort: 0,
    prometheusListenPort: 0,
    caConfig: { caCertFile: join(secrets, 'ca-cert.pem'), caKeyFile: join(secrets, 'ca-key.pem') },
    serviceAuth: {
      currentKeyName: 'public.pem',
      headerMutationKeyName: 'public.pem',
      secretsPath: join(secrets, 'service-auth'),
    },
    logFormat: 'json',
  });
  return {
    dir,
    ca: join(secrets, 'ca-cert.pem'),
    controlCert: join(secrets, 'control-cert.pem'),
    controlKey: join(secrets, 'control-key.pem'),
    controllerConfig,
  };
}

/** What the demo agent reaches. */
export interface DemoTargets {
  /** kubeconfig file with the way to the cluster. */
  readonly kubeconfig: string;
  readonly jenkins: { readonly url: string; readonly user: string; readonly token: string };
}

/** Writes the agent's configuration and services file; returns the path of the former. */
export function writeAgentFiles(dir: string, agentPort: number, targets: DemoTargets): string {
  const secrets = join(dir, 'secrets');
  const services = join(dir, 'services.yaml');
  const { url, user, token } = targets.jenkins;
  writeYaml(services, {
    outgoingServices: [
      {
        enabled: true,
        type: 'kubernetes',
        name: DEMO.account,
        config: { kubeConfig: targets.kubeconfig },
      },
      {
        enabled: true,
        type: 'jenkins',
        name: DEMO.jenkins,
        config: {
          url,
          credentials: { type: 'basic', username: base64(user), password: base64(token) },
        },
      },
    ],
  });
  const config = join(dir, 'agent.yaml');
  writeYaml(config, {
    controllerHostname: `localhost:${agentPort}`,
    caCertFile: join(secrets, 'ca-cert.pem'),
    certFile: join(secrets, 'agent-cert.pem'),
    keyFile: join(secrets, 'agent-key.pem'),
    servicesConfigPath: services,
    bindAddress: '127.0.0.1',
    prometheusListenPort: 0,
    logFormat: 'json',
  });
  return config;
}

/** Writes a kubeconfig for a server that takes a bearer token. */
export function writeTargetKubeconfig(
  file: string,
  server: { url: string; ca: string; token: string },
): void {
  writeYaml(file, {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'demo',
    clusters: [
      {
        name: 'demo',
        cluster: { server: server.url, 'certificate-authority-data': base64(server.ca) },
      },
    ],
    users: [{ name: 'demo', user: { token: server.token } }],
    contexts: [{ name: 'demo', context: { cluster: 'demo', user: 'demo' } }],
  });
}

/** Writes a file that only its owner may read. */
export function writeSecretFile(file: string, text: string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
}

function writeYaml(file: string, content: unknown): void {
  writeSecretFile(file, stringify(content));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
