/**
 * The real server behind a service, as the forwarders see it: where it is, how TLS to it is made and
 * which Authorization it wants. Implemented by generic-target.ts and kubernetes-target.ts; both may
 * change while they live (rotated tokens, certificates, files), hence the functions.
 */
import type { ServiceRef } from '../ids.js';
import type { ServiceAdvertisement } from '../service-advertisement.js';

/** TLS settings towards a target. Verification is on unless the configuration says otherwise by name. */
export interface TargetTls {
  /** PEM of the trusted CAs; undefined means the system's trust store. */
  readonly ca: string | undefined;
  /** Client certificate and key PEM, for targets that ask for mTLS. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Name for SNI and verification; undefined means the host of the endpoint. */
  readonly serverName: string | undefined;
  readonly rejectUnauthorized: boolean;
}

/** Where requests go. Immutable: a changed target gives a new object, and so new connections. */
export interface TargetEndpoint {
  readonly host: string;
  readonly port: number;
  /** Value of the Host header: host, and port unless it is the default of the scheme. */
  readonly authority: string;
  /** Path put before the caller's target: empty, or `/…` without a slash at its end. */
  readonly basePath: string;
  /** Undefined for plain HTTP. */
  readonly tls: TargetTls | undefined;
}

/** A target that is ready for use. */
export interface Target {
  readonly kind: 'kubernetes' | 'generic';
  readonly service: ServiceRef;
  /** The current endpoint; the same object until something changes. */
  endpoint(): TargetEndpoint;
  /**
   * The Authorization value to send, or undefined for none. Synchronous when it is at hand; a promise
   * only while it is fetched (exec plugin, Secret). Rejects with TARGET_CREDENTIAL_FAILED.
   */
  authorization(): string | undefined | Promise<string | undefined>;
  /**
   * Told when the target answered 401 to a request that carried `authorization()`: what was cached may
   * be stale and is fetched anew for the next request. The response itself is passed on unchanged.
   */
  credentialRefused(): void;
}

/** A service of the catalogue: usable, or known with the reason why it is not. */
export type CatalogEntry =
  | { readonly state: 'ready'; readonly target: Target }
  | { readonly state: 'faulty'; readonly service: ServiceRef; readonly fault: string };

/** The services that this process reaches. */
export interface ServiceCatalog {
  find(service: ServiceRef): CatalogEntry | undefined;
  advertisements(): readonly ServiceAdvertisement[];
}
