/**
 * The agent's certificate, key and CA from its configured files, read for each session, so that renewed
 * files are used by the next one.
 */
import type { X509Certificate } from 'node:crypto';
import { identityOfCertificate } from '../shared/certificates/certificate-identity.js';
import type { CertificateIdentity } from '../shared/certificates/certificate-identity.js';
import { readCaCertificate } from '../shared/certificates/ca-certificate.js';
import type { CaCertificateSource } from '../shared/certificates/ca-certificate.js';
import { readPemPair } from '../shared/certificates/pem-pair.js';
import type { PemPair } from '../shared/certificates/pem-pair.js';
import { TunnelError, errorText, nodeErrorCode } from '../shared/errors.js';
import type { AgentName } from '../shared/ids.js';
import { accessSync, constants } from 'node:fs';
import type { AgentConfig } from './config.js';
import type { LinkIdentity } from './controller-link/connect-once.js';

/** Identity of this agent. */
export interface AgentIdentity extends LinkIdentity {
  readonly name: AgentName;
  /** ms since the epoch. */
  readonly notAfter: number;
}

/** Reads the files. Throws CERTIFICATE_INVALID. */
export function readLinkIdentity(config: AgentConfig, nowMs: number): AgentIdentity {
  const { name, pair } = readAgentPair(config, nowMs);
  return {
    name,
    caPem: readControllerCa(config, nowMs),
    certPem: pair.certPem,
    keyPem: pair.keyPem,
    certificateDer: pair.certificate.raw,
    notAfter: Date.parse(pair.certificate.validTo),
  };
}

/** Certificate and key of this agent, and its name in them. Throws CERTIFICATE_INVALID. */
export function readAgentPair(
  { certFile, keyFile }: AgentConfig,
  nowMs: number,
): { readonly name: AgentName; readonly pair: PemPair } {
  const pair = readPemPair({ certFile, keyFile }, nowMs);
  const identity = identityOf(pair.certificate, certFile);
  if (identity.purpose !== 'agent') {
    throw new TunnelError(
      'CERTIFICATE_INVALID',
      `${certFile} is a certificate for ${identity.purpose} use; an agent certificate is needed (fairlead agent-manifest issues one)`,
    );
  }
  return { name: identity.agent, pair };
}

/** For a file of ours, what a peer would be refused for is a fault of the configuration. */
function identityOf(certificate: X509Certificate, file: string): CertificateIdentity {
  try {
    return identityOfCertificate(certificate);
  } catch (cause) {
    throw new TunnelError('CERTIFICATE_INVALID', `${file}: ${errorText(cause)}`, { cause });
  }
}

/** PEM of the CA of the controller. Throws CERTIFICATE_INVALID. */
export function readControllerCa(config: AgentConfig, nowMs: number): string {
  return readCaCertificate(caSource(config), nowMs).caPem;
}

/** v3.5: the text in the configuration counts only when the file cannot be read. */
function caSource({ caCertFile, caCert64 }: AgentConfig): CaCertificateSource {
  if (caCert64 === undefined || isReadable(caCertFile)) return { file: caCertFile };
  return { text: Buffer.from(caCert64, 'base64').toString('utf8'), name: 'caCert64' };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch (reason) {
    // whatever the reason, the file cannot be used; without caCert64 it is reported in full
    return nodeErrorCode(reason) === undefined;
  }
}
