/**
 * One log line for every credential that leaves the controller: who asked, what for, and a
 * fingerprint by which the credential can be recognised later. Never the credential itself.
 */
import { createHash } from 'node:crypto';
import {
  identityText,
  type CertificateIdentity,
} from '../../shared/certificates/certificate-identity.js';
import { LogField, type Log } from '../../shared/log.js';
import { routeText, type Route } from '../../shared/ids.js';
import type { IssuedCertificate } from './control-api-parts.js';
import type { Operator } from './operator-auth.js';

/** Where endpoints report what they issued. */
export interface AuditLog {
  certificateIssued(
    operator: Operator,
    identity: CertificateIdentity,
    issued: IssuedCertificate,
  ): void;
  tokenIssued(operator: Operator, route: Route, token: string): void;
}

/** An audit log that writes to the process log, at level info. */
export function createAuditLog(log: Log): AuditLog {
  const record = (operator: Operator, facts: Readonly<Record<string, unknown>>): void => {
    log.info(
      {
        audit: true,
        operator: operator.name,
        operatorCertificate: operator.fingerprint256,
        ...facts,
      },
      'credential issued',
    );
  };
  return {
    certificateIssued(operator, identity, issued) {
      record(operator, {
        kind: 'client certificate',
        issuedTo: identityText(identity),
        [LogField.certificate]: issued.fingerprint256,
        [LogField.notAfter]: new Date(issued.notAfter).toISOString(),
      });
    },
    tokenIssued(operator, route, token) {
      record(operator, {
        kind: 'service token',
        issuedTo: `service ${routeText(route)}`,
        // A digest of an HMAC-signed token tells nothing about it, but finds it again in a leak.
        tokenSha256: createHash('sha256').update(token).digest('hex'),
      });
    },
  };
}
