/**
 * CAs and certificates made at run time, for the tests of this folder. Keys by node:crypto, as forge
 * would take seconds for them.
 */
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface ThrowawayCa extends Pair {
  /** A certificate for 127.0.0.1, localhost and further names. */
  issue(commonName: string, dnsNames?: readonly string[], lifeMs?: number): Pair;
}

const DAY_MS = 86_400_000;

export function createCa(commonName: string): ThrowawayCa {
  const { publicKey, privateKey } = newKeys();
  const subject = [{ name: 'commonName', value: commonName }];
  const caKey = forge.pki.privateKeyFromPem(privateKey);
  const sign = (name: string, publicPem: string, extensions: object[], lifeMs: number): string => {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.publicKeyFromPem(publicPem);
    certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
    const from = Date.now() - DAY_MS;
    certificate.validity.notBefore = new Date(from);
    certificate.validity.notAfter = new Date(from + DAY_MS + lifeMs);
    certificate.setSubject([{ name: 'commonName', value: name }]);
    certificate.setIssuer(subject);
    certificate.setExtensions(extensions);
    certificate.sign(caKey, forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  };
  const caExtensions = [{ name: 'basicConstraints', cA: true, critical: true }];
  return {
    cert: sign(commonName, publicKey, caExtensions, DAY_MS),
    key: privateKey,
    issue(name, dnsNames = [], lifeMs = DAY_MS) {
      const keys = newKeys();
      const altNames = [
        { type: 7, ip: '127.0.0.1' },
        ...['localhost', ...dnsNames].map((value) => ({ type: 2, value })),
      ];
      const extensions = [{ name: 'subjectAltName', altNames }];
      return { cert: sign(name, keys.publicKey, extensions, lifeMs), key: keys.privateKey };
    },
  };
}

function newKeys() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}
