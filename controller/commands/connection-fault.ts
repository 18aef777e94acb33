/**
 * Translates what goes wrong between a command and the control API: names, sockets, TLS in both
 * directions. For TLS it looks at the certificate the server shows, because "unable to verify" helps nobody.
 */
import { errorText, nodeErrorCode, TunnelError } from '../../shared/errors.js';
import type { ControlConnection } from './control-connection.js';
import { seenServerCertificate, type SeenCertificate } from './seen-server-certificate.js';

/** OpenSSL's verdicts on a chain that does not end at the given CA. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);

/** The error for a request that got no answer; errors that are translated already pass through. */
export async function connectionFault(
  reason: unknown,
  connection: ControlConnection,
): Promise<TunnelError> {
  if (reason instanceof TunnelError) return reason;
  const code = nodeErrorCode(reason) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return wrongName(connection, await seenServerCertificate(connection.url), reason);
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return outdated(connection, await seenServerCertificate(connection.url), reason);
  }
  if (UNTRUSTED.has(code)) {
    return untrusted(connection, await seenServerCertificate(connection.url), reason);
  }
  if (isCertificateAlert(reason)) return handshakeRefused(connection, reason);
  return unreachable(connection, code, reason);
}

/**
 * Whether the server ended the handshake by an alert about our certificate: RFC 8446 6.2, from
 * bad_certificate (42) to certificate_unknown (46), unknown_ca (48), certificate_required (116).
 * Node tells the number in the message only; its code is a bare EPROTO for TLS 1.2.
 */
function isCertificateAlert(reason: unknown): boolean {
  const number = /SSL alert number (\d+)/.exec(errorText(reason))?.[1];
  return number !== undefined && ['42', '43', '44', '45', '46', '48', '116'].includes(number);
}

function wrongName(
  { url }: ControlConnection,
  seen: SeenCertificate | undefined,
  cause: unknown,
): TunnelError {
  const names = seen?.names ?? 'other names';
  return refused(
    `the server at ${url.host} has a certificate for ${names}, not for ${url.hostname}`,
    `call it by one of those names, or add ${url.hostname} to serverNames in the controller's configuration`,
    cause,
  );
}

function outdated(
  { url, caFile }: ControlConnection,
  seen: SeenCertificate | undefined,
  cause: unknown,
): TunnelError {
  const dates = seen === undefined ? '' : ` (valid from ${seen.validFrom} to ${seen.validTo})`;
  return refused(
    `the server certificate of ${url.host} or a CA certificate above it is not valid now${dates}`,
    `compare the clocks; a controller renews its certificate itself, a CA has to be replaced (${caFile} and the controller's)`,
    cause,
  );
}

function untrusted(
  { url, caFile }: ControlConnection,
  seen: SeenCertificate | undefined,
  cause: unknown,
): TunnelError {
  const issuer = seen === undefined ? 'another CA' : `"${seen.issuer}"`;
  return refused(
    `the certificate of ${url.host} was issued by ${issuer}, which is not the CA in ${caFile}`,
    'give the controller\'s own CA: ca-cert.pem of "fairlead ca init", or tls.crt of the secret ca-secret',
    cause,
  );
}

function handshakeRefused({ url, certFile }: ControlConnection, cause: unknown): TunnelError {
  return refused(
    `the server at ${url.host} refused the certificate in ${certFile} during the TLS handshake`,
    'controllers of ISD do so with certificates of another CA; give the pair of oes-control-secret',
    cause,
  );
}

function unreachable({ url }: ControlConnection, code: string, cause: unknown): TunnelError {
  const [what, hint] = unreachableText(url, code, cause);
  return new TunnelError(
    'CONTROL_UNREACHABLE',
    `cannot reach the control API at ${url.host}: ${what}\n${hint}`,
    { cause },
  );
}

function unreachableText(url: URL, code: string, cause: unknown): [what: string, hint: string] {
  switch (code) {
    case 'ECONNREFUSED':
      return [
        'connection refused',
        'is the controller running, and is this its control port (9003 by default)?',
      ];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [`the name ${url.hostname} does not resolve`, 'check the spelling and your DNS'];
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return ['no route to that address', 'check the network between here and the controller'];
    case 'ETIMEDOUT':
    case 'ABORT_ERR':
      return [
        'no answer in time',
        'a firewall may be dropping the packets; check address and port',
      ];
    case 'ECONNRESET':
    case 'EPIPE':
      return [
        'the connection was cut',
        'something in between may not let TLS through, or the server refused the certificate without saying so',
      ];
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return ['the server does not speak TLS there', 'check the port; 9102, for example, is plain'];
    default:
      return [errorText(cause), 'check address and port'];
  }
}

function refused(message: string, hint: string, cause: unknown): TunnelError {
  return new TunnelError('CONTROL_REFUSED', `${message}\n${hint}`, { cause });
}
