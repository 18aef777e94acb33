/**
 * A target that follows its configuration files: planned anew every few seconds, but its endpoint and
 * credential source change only when something in them did, so that connections and tokens stay. A bad
 * new state is reported and the old one stays.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ServiceRef } from '../ids.js';
import type { CredentialSource } from './credential-source.js';
import { authorizationValue } from './target-credential.js';
import type { ClientCertificate, TargetCredential } from './target-credential.js';
import type { Target, TargetEndpoint } from './target.js';
import type { PlanTarget, TargetPlan } from './target-plan.js';

/** What a planned target goes by. */
interface Ready {
  readonly planned: TargetEndpoint;
  readonly credentialId: string;
  readonly source: CredentialSource;
}

/** A Target; usable after the first `refresh` that succeeds. */
export class LiveTarget implements Target {
  readonly kind: Target['kind'];
  readonly service: ServiceRef;
  readonly #plan: PlanTarget;
  readonly #warn: (text: string) => void;
  readonly #warned = new Set<string>();
  #ready: Ready | undefined;
  #endpoint: TargetEndpoint | undefined;
  #issued: ClientCertificate | undefined;
  /** The credential last used and its header, as making one for each request would be waste. */
  #used: { credential: TargetCredential; authorization: string | undefined } | undefined;

  /** `warn` is told each warning of the plans once. */
  constructor(
    kind: Target['kind'],
    service: ServiceRef,
    plan: PlanTarget,
    warn: (text: string) => void,
  ) {
    this.kind = kind;
    this.service = service;
    this.#plan = plan;
    this.#warn = warn;
  }

  /** Whether it can be used. Once it can, it always can. */
  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /** Reads the configuration's files anew. Rejects with what is wrong; what was there stays in use. */
  async refresh(): Promise<void> {
    const plan = await this.#plan();
    const ready = this.#ready;
    const source =
      ready?.credentialId === plan.credentialId ? ready.source : await this.#newSource(plan);
    for (const warning of plan.warnings) this.#warnOnce(warning);
    this.#ready = { planned: plan.endpoint, credentialId: plan.credentialId, source };
    this.#setEndpoint();
  }

  endpoint(): TargetEndpoint {
    if (this.#endpoint === undefined) throw new Error('a target that is not ready has no endpoint');
    return this.#endpoint;
  }

  authorization(): string | undefined | Promise<string | undefined> {
    const current = this.#ready?.source.current();
    if (current === undefined) throw new Error('a target that is not ready has no credential');
    return current instanceof Promise
      ? current.then((credential) => this.#use(credential))
      : this.#use(current);
  }

  credentialRefused(): void {
    this.#ready?.source.refused();
  }

  /** A source that has given a credential once, so that a faulty one is noticed before it is used. */
  async #newSource(plan: TargetPlan): Promise<CredentialSource> {
    const source = plan.createCredentialSource();
    const credential = await source.current();
    this.#issued = credential.clientCertificate;
    return source;
  }

  #use(credential: TargetCredential): string | undefined {
    if (this.#used?.credential === credential) return this.#used.authorization;
    const authorization = authorizationValue(credential);
    this.#used = { credential, authorization };
    this.#issued = credential.clientCertificate;
    this.#setEndpoint();
    return authorization;
  }

  /** The planned endpoint with the certificate an exec plugin issued; the same object if nothing changed. */
  #setEndpoint(): void {
    const planned = this.#ready?.planned;
    if (planned === undefined) return;
    const issued = this.#issued;
    const endpoint: TargetEndpoint =
      issued === undefined || planned.tls === undefined
        ? planned
        : { ...planned, tls: { ...planned.tls, cert: issued.cert, key: issued.key.reveal() } };
    if (!isDeepStrictEqual(endpoint, this.#endpoint)) this.#endpoint = endpoint;
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#warn(text);
  }
}
