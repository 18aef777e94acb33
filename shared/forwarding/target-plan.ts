/**
 * What a service's configuration amounts to now: the endpoint, and how its credential is obtained. Made
 * by generic-target.ts and kubernetes-target.ts, anew every few seconds; live-target.ts takes over only
 * what changed.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { CredentialSource } from './credential-source.js';
import type { KubernetesEnvironment } from './kubernetes-environment.js';
import type { SecretReader } from './kubernetes-secrets.js';
import type { TargetEndpoint } from './target.js';

/** One reading of a configuration and the files it names. */
export interface TargetPlan {
  readonly endpoint: TargetEndpoint;
  /** Plans with the same id obtain the credential in the same way: the source that is there stays. */
  readonly credentialId: string;
  createCredentialSource(): CredentialSource;
  /** Said once each. */
  readonly warnings: readonly string[];
}

/** Reads and checks. Rejects with a TunnelError whose text says what to mend and holds no secret. */
export type PlanTarget = () => Promise<TargetPlan>;

/** What plans are made with. */
export interface PlanParts {
  readonly clock: Clock;
  readonly kubernetes: KubernetesEnvironment;
  /** Undefined outside of a cluster. */
  readonly secrets: SecretReader | undefined;
  /** Told of each failed attempt to renew a credential. */
  readonly onCredentialFailure: (reason: unknown) => void;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /** False: exec plugins are looked at, and not run. Default true. */
  readonly runsPlugins?: boolean;
}

/** An id of any values, secrets among them: equal for equal values, and showing nothing of them. */
export function idOf(...values: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url');
}
