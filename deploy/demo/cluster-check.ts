/**
 * Whether the demo can use a cluster of the user's: before anything starts, if the kubeconfig is one that
 * the agent can work with; once everything runs, if the cluster answers through the tunnel.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Clock } from '../../shared/clock.js';
import { errorText } from '../../shared/errors.js';
import { planFromKubeconfig } from '../../shared/forwarding/kubeconfig-plan.js';
import { selectContext } from '../../shared/forwarding/kubeconfig.js';
import { kubernetesEnvironmentFrom } from '../../shared/forwarding/kubernetes-environment.js';
import { readTargetFile } from '../../shared/forwarding/target-file.js';

/** How long a cluster has for its answer; exec plugins may have to log in first. */
const ANSWER_TIMEOUT_MS = 20_000;

/** What the checks are made with. */
export interface CheckParts {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads a kubeconfig as the agent will. Rejects with SERVICE_NOT_CONFIGURED or CONFIG_INVALID. */
export async function checkKubeconfig(file: string, { clock, env }: CheckParts): Promise<void> {
  const content = await readTargetFile(file, 'kubeconfig');
  const plan = await planFromKubeconfig(content, file, undefined, {
    clock,
    kubernetes: kubernetesEnvironmentFrom(env),
    secrets: undefined,
    onCredentialFailure: () => undefined,
    signal: AbortSignal.abort(),
  });
  plan.createCredentialSource(); // looks at the credential, runs nothing
}

/** Asks for the version with a kubeconfig of ours; what is wrong, or undefined. Never rejects. */
export async function clusterFault(kubeconfig: string): Promise<string | undefined> {
  try {
    const { status, body } = await version(kubeconfig);
    if (status === 401) return 'the cluster refuses the credential (401)';
    return status >= 500 ? messageIn(body).trim() : undefined; // 403 is an answer too
  } catch (reason) {
    return errorText(reason);
  }
}

async function version(file: string): Promise<{ status: number; body: string }> {
  const { cluster, user } = selectContext(readFileSync(file, 'utf8'), file);
  const outgoing = request(`${cluster.server ?? ''}/version`, {
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
    agent: false,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]; // by its types in node
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** `message` of a Kubernetes Status, which is how callers of a cluster get errors. */
function messageIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown }; // looked at below
    return typeof message === 'string' ? message : body;
  } catch {
    return body; // no JSON
  }
}

function decoded(base64: string | undefined): Buffer | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
