/**
 * What the control API needs from the rest of the controller, as narrow interfaces, so that its
 * endpoints run in tests without a CA, keys or sockets. `controller.ts` hands in the real parts.
 */
import type { CertificateIdentity } from '../../shared/certificates/certificate-identity.js';
import type { Clock } from '../../shared/clock.js';
import type { Route } from '../../shared/ids.js';
import type { ConnectedAgents } from '../agents/connected-agent.js';
import type { AuditLog } from './audit-log.js';

/** A certificate with its key, both PEM. */
export interface IssuedCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  /** End of validity, ms since the epoch. */
  readonly notAfter: number;
  readonly fingerprint256: string;
}

/** Makes certificates of the supplied CA. */
export interface CertificateIssuer {
  readonly caPem: string;
  issue(identity: CertificateIdentity): Promise<IssuedCertificate>;
}

/** Makes the tokens that stand for routes. */
export interface ServiceTokenIssuer {
  issueServiceToken(route: Route): string | Promise<string>;
}

/** Where agents, callers and operators reach the controller; goes into everything that is issued. */
export interface ControllerAddresses {
  readonly agentHostname: string;
  readonly agentPort: number;
  readonly serviceHostname: string;
  readonly servicePort: number;
  readonly controlHostname: string;
  readonly controlPort: number;
  /** Parent domain of the host names per route, if the wildcard DNS record for it exists. */
  readonly serviceDomain?: string | undefined;
}

/** Everything that the endpoints work with. */
export interface ControlApiParts {
  readonly certificates: CertificateIssuer;
  readonly tokens: ServiceTokenIssuer;
  readonly agents: ConnectedAgents;
  readonly addresses: ControllerAddresses;
  /** Container image for generated agent manifests that name none. Default `fairlead-agent:<version>`. */
  readonly agentImage?: string | undefined;
  /** Version of this controller, as statistics and manifests show it. */
  readonly version: string;
  readonly audit: AuditLog;
  readonly clock: Clock;
}
