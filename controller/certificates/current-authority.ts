/**
 * The CA in use, which may be replaced while the controller runs: its files are read again on reload.
 * Everything that issues or trusts certificates asks here.
 */
import type { X509Certificate } from 'node:crypto';
import type { CertificateIdentity } from '../../shared/certificates/certificate-identity.js';
import type { PemPairFiles } from '../../shared/certificates/pem-pair.js';
import type { Clock } from '../../shared/clock.js';
import { loadCertificateAuthority } from './authority.js';
import type { CertificateAuthority, IssuedCertificate } from './authority.js';

/** The CA of two files. */
export class CurrentAuthority {
  readonly #files: PemPairFiles;
  readonly #clock: Clock;
  #authority: CertificateAuthority;

  /** Throws CERTIFICATE_INVALID. */
  constructor(files: PemPairFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
    this.#authority = loadCertificateAuthority(files, clock);
  }

  /** All trusted CA certificates, PEM. */
  get caPem(): string {
    return this.#authority.caPem;
  }

  get certificate(): X509Certificate {
    return this.#authority.certificate;
  }

  /** The trusted CA certificates, one by one. */
  get trusted(): readonly X509Certificate[] {
    return this.#authority.trusted;
  }

  get warnings(): readonly string[] {
    return this.#authority.warnings;
  }

  issue(identity: CertificateIdentity): Promise<IssuedCertificate> {
    return this.#authority.issue(identity);
  }

  issueServerCertificate(names: readonly string[]): Promise<IssuedCertificate> {
    return this.#authority.issueServerCertificate(names);
  }

  /** Reads the files again; undefined when the CA is the same. Throws CERTIFICATE_INVALID. */
  read(): CertificateAuthority | undefined {
    const fresh = loadCertificateAuthority(this.#files, this.#clock);
    return fresh.caPem === this.#authority.caPem ? undefined : fresh;
  }

  /** Takes the CA that `read` gave. */
  replace(authority: CertificateAuthority): void {
    this.#authority = authority;
  }
}
