/**
 * Certificates for tests, made at run time: authorities of any kind of key, and certificates with
 * whatever dates and names a test wants, which the product's own options do not offer.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import type { X509Certificate } from 'node:crypto';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  certificateAuthorityFromPem,
  type CertificateAuthority,
} from '../../../controller/certificates/authority.js';
import { buildCertificate, type Extension } from '../../../controller/certificates/x509-builder.js';
import { systemClock, type Clock } from '../../../shared/clock.js';

export const DAY_MS = 86_400_000;

/** A key of each kind that a CA may have, and one that it may not (secp256k1). */
export function caKey(
  kind: 'rsa-2048' | 'P-256' | 'P-384' | 'P-521' | 'ed25519' | 'secp256k1',
): KeyObject {
  if (kind === 'rsa-2048') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  if (kind === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind }).privateKey;
}

/** What a test wants of a CA certificate; everything has a sound default. */
export interface TestCaOptions {
  readonly key?: KeyObject;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly extensions?: readonly Extension[];
  readonly name?: string;
  /** Signs the CA; default: itself. */
  readonly parent?: TestCa;
}

export interface TestCa {
  readonly certificate: X509Certificate;
  readonly certPem: string;
  readonly key: KeyObject;
  readonly keyPem: string;
}

/** A CA certificate with its key, PKCS#8. */
export function testCa(options: TestCaOptions = {}): TestCa {
  const key = options.key ?? caKey('P-256');
  const now = Date.now();
  const certificate = buildCertificate(
    {
      subject: [{ name: 'commonName', value: options.name ?? 'Test CA' }],
      publicKey: createPublicKey(key),
      validity: {
        notBefore: options.notBefore ?? now - DAY_MS,
        notAfter: options.notAfter ?? now + 3650 * DAY_MS,
      },
      extensions: options.extensions ?? [
        { name: 'basicConstraints', critical: true, cA: true },
        { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
      ],
    },
    {
      key: options.parent?.key ?? key,
      certificate: options.parent?.certificate,
    },
  );
  const keyPem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate, certPem: certificate.toString(), key, keyPem };
}

/** An authority over a new test CA. */
export function testAuthority(
  options: TestCaOptions & { readonly clock?: Clock } = {},
): CertificateAuthority {
  return certificateAuthorityFromPem(testCa(options), options.clock ?? systemClock);
}

/** A leaf with exactly these OUs and SAN URIs, signed by a throw-away CA. */
export function certificateWith(names: {
  readonly units?: readonly string[];
  readonly uris?: readonly string[];
  readonly commonName?: string;
}): X509Certificate {
  const ca = testCa();
  const uris = names.uris ?? [];
  return buildCertificate(
    {
      subject: [
        { name: 'organizationName', value: 'Test' },
        ...(names.units ?? []).map((value) => ({ name: 'organizationalUnitName' as const, value })),
        { name: 'commonName', value: names.commonName ?? 'holder' },
      ],
      publicKey: createPublicKey(caKey('P-256')),
      validity: { notBefore: Date.now() - DAY_MS, notAfter: Date.now() + DAY_MS },
      extensions:
        uris.length === 0
          ? []
          : [{ name: 'subjectAltName', altNames: uris.map((value) => ({ type: 6, value })) }],
    },
    ca,
  );
}

/** A directory that is gone after the test. */
export function temporaryDirectory(context: Pick<TestContext, 'after'>): string {
  const path = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** For `skip:` of tests that need the openssl command. */
export const WITHOUT_OPENSSL =
  spawnSync('openssl', ['version']).status === 0 ? false : 'no openssl command on PATH';

/** Runs openssl; its standard output, or an error with what it printed. */
export function openssl(args: readonly string[], cwd: string): string {
  return execFileSync('openssl', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
}
