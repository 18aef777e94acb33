/**
 * Looks at the certificate a server shows, for error messages only: nothing is sent, nothing it says is trusted.
 */
import { connect } from 'node:tls';
import { isIP } from 'node:net';

/** What people need to know of a certificate to see why it was refused. */
export interface SeenCertificate {
  /** `ctl.example.com, 10.0.0.1`. */
  readonly names: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
}

const LOOK_TIMEOUT_MS = 3_000;

/** The certificate that the server at the URL shows, or undefined when it cannot be had. */
export function seenServerCertificate(url: URL): Promise<SeenCertificate | undefined> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: url.port === '' ? 443 : Number(url.port),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Only to look at it: the connection ends before a byte of ours is sent.
      rejectUnauthorized: false,
      timeout: LOOK_TIMEOUT_MS,
    });
    const finish = (seen: SeenCertificate | undefined): void => {
      resolve(seen);
      socket.destroy();
    };
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return finish(undefined);
      finish({
        names: namesIn(certificate.subjectAltName),
        issuer: printable(certificate.issuer.split('\n').join(', ')),
        validFrom: certificate.validFrom,
        validTo: certificate.validTo,
      });
    });
    socket.once('timeout', () => finish(undefined));
    socket.once('error', () => finish(undefined));
  });
}

/** From Node's `DNS:a, IP Address:10.0.0.1`. */
function namesIn(subjectAltName: string | undefined): string {
  return printable((subjectAltName ?? 'no name').replace(/(?:DNS|IP Address):/g, ''));
}

/** A foreign server must not be able to write escape sequences to the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?').slice(0, 500);
}
