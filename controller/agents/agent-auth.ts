/**
 * Who an agent is: by its TLS client certificate, or, behind an ingress that ended TLS, by proof of
 * possession of the key of one (shared/protocol/agent-proof.ts).
 */
import { X509Certificate } from 'node:crypto';
import { identityOfCertificate } from '../../shared/certificates/certificate-identity.js';
import { TunnelError, errorText } from '../../shared/errors.js';
import type { AgentName } from '../../shared/ids.js';
import type { ClientCertificate } from '../../shared/intake/caller-exchange.js';
import { isNonceSigned } from '../../shared/protocol/agent-proof.js';

/** The name in a certificate that TLS has verified. Throws AGENT_REFUSED. */
export function agentOfCertificate(client: ClientCertificate): AgentName {
  if (client.refusal !== undefined) {
    throw refused(`the certificate of the agent is not accepted: ${client.refusal}`);
  }
  return nameIn(client.certificate);
}

/** The parts of a proof. */
export interface AgentProof {
  readonly nonce: Buffer;
  /** DER. */
  readonly certificate: Buffer;
  readonly signature: Buffer;
}

/** The name in a certificate whose holder proved itself in-band. Throws AGENT_REFUSED. */
export function agentOfProof(
  proof: AgentProof,
  authorities: readonly X509Certificate[],
  nowMs: number,
): AgentName {
  const certificate = readCertificate(proof.certificate);
  checkIssuer(certificate, authorities);
  checkValidity(certificate, nowMs);
  if (!isNonceSigned(proof.nonce, proof.signature, certificate)) {
    throw refused('the agent did not prove possession of the key of its certificate');
  }
  return nameIn(certificate);
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw refused('the agent sent no readable certificate', cause);
  }
}

function checkIssuer(certificate: X509Certificate, authorities: readonly X509Certificate[]): void {
  const isIssued = authorities.some(
    (authority) => certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
  );
  if (!isIssued) throw refused('the certificate of the agent was not issued by the CA in use');
}

function checkValidity(certificate: X509Certificate, nowMs: number): void {
  if (nowMs > Date.parse(certificate.validTo)) {
    throw refused(`the certificate of the agent expired at ${certificate.validTo}`);
  }
  if (nowMs < Date.parse(certificate.validFrom)) {
    throw refused(`the certificate of the agent is valid only from ${certificate.validFrom}`);
  }
}

function nameIn(certificate: X509Certificate): AgentName {
  try {
    const identity = identityOfCertificate(certificate);
    if (identity.purpose === 'agent') return identity.agent;
    throw refused(`a ${identity.purpose} certificate was used, an agent certificate is needed`);
  } catch (reason) {
    if (reason instanceof TunnelError && reason.code === 'AGENT_REFUSED') throw reason;
    throw refused(errorText(reason), reason);
  }
}

function refused(text: string, cause?: unknown): TunnelError {
  return new TunnelError('AGENT_REFUSED', `${text}; apply a newly generated agent manifest`, {
    cause,
  });
}
