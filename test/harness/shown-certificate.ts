/** The certificate that a port of this machine shows, to a client that verifies it or only looks. */
import type { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';

/** Rejects when TLS does. `ca`: PEM of what is trusted; undefined looks at whatever comes. */
export async function shownCertificate(port: number, ca?: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
    const options = { port, host: '127.0.0.1', ALPNProtocols: ['h2', 'http/1.1'], ...trust };
    const socket = tls.connect({ ...options, servername: 'localhost' }, () => {
      const certificate = socket.getPeerX509Certificate();
      socket.destroy();
      if (certificate === undefined) reject(new Error('no certificate'));
      else resolve(certificate);
    });
    socket.on('error', reject);
  });
}
