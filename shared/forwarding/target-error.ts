/**
 * Errors of the connection to a target, translated once where they enter. Callers see which service
 * failed and how; addresses and causes stay in the log.
 */
import { TunnelError, errorText, nodeErrorCode } from '../errors.js';
import { serviceText } from '../ids.js';
import type { ServiceRef } from '../ids.js';

/** Why a request to a target failed. */
export function targetErrorFrom(reason: unknown, service: ServiceRef): TunnelError {
  if (reason instanceof TunnelError) return reason;
  const name = serviceText(service);
  const code = nodeErrorCode(reason) ?? '';
  const fail = (
    kind: 'TARGET_UNREACHABLE' | 'TARGET_TLS_FAILED' | 'TARGET_BROKE_OFF',
    what: string,
  ) => new TunnelError(kind, `target of ${name}: ${what}`, { cause: reason });
  switch (code) {
    // undici checks the request once more; what it refuses cannot be sent
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return new TunnelError('REQUEST_INVALID', 'the request is not valid HTTP/1.1', {
        cause: reason,
      });
    case 'ECONNREFUSED':
      return fail('TARGET_UNREACHABLE', 'connection refused');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fail('TARGET_UNREACHABLE', 'its host name does not resolve');
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return fail('TARGET_UNREACHABLE', 'no route to its host');
    // undici's and the system's ways of saying that connecting took too long
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return fail('TARGET_UNREACHABLE', 'connecting took too long');
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'HPE_HEADER_OVERFLOW':
      return fail('TARGET_BROKE_OFF', 'its response headers are over the limit');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return fail('TARGET_TLS_FAILED', 'its certificate is for another name');
    case 'CERT_HAS_EXPIRED':
      return fail('TARGET_TLS_FAILED', 'its certificate has expired');
    case 'CERT_NOT_YET_VALID':
      return fail('TARGET_TLS_FAILED', 'its certificate is not valid yet');
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
    case 'CERT_REJECTED':
    case 'CERT_CHAIN_TOO_LONG':
    case 'PATH_LENGTH_EXCEEDED':
    case 'INVALID_CA':
      return fail('TARGET_TLS_FAILED', 'its certificate is not signed by a trusted CA');
    case 'CERT_REVOKED':
      return fail('TARGET_TLS_FAILED', 'its certificate has been revoked');
    case 'INVALID_PURPOSE':
      return fail('TARGET_TLS_FAILED', 'its certificate is not one for servers');
    case 'EPROTO':
      return fail(
        'TARGET_TLS_FAILED',
        'it does not speak TLS as we do, or refused our certificate',
      );
  }
  // OpenSSL's alerts and library errors
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) {
    return fail('TARGET_TLS_FAILED', `TLS: ${tlsReason(reason)}`);
  }
  // undici 7 loses the code of its parser
  if (code.startsWith('HPE_') || (reason instanceof Error && reason.name === 'HTTPParserError'))
    return fail('TARGET_BROKE_OFF', 'it answered something that is not HTTP');
  return fail('TARGET_BROKE_OFF', 'it closed the connection before answering in full');
}

/** Whether the connection broke in a way that a stale kept-alive connection explains. */
export function isBrokenConnection(reason: unknown): boolean {
  const code = nodeErrorCode(reason);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function tlsReason(reason: unknown): string {
  const match = /alert [a-z ]+|wrong version number/i.exec(errorText(reason));
  return match === null ? 'the handshake failed' : match[0];
}
