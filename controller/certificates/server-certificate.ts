/**
 * The controller's own server certificate, kept valid: issued from the CA at start and anew before it
 * ends. Listeners take it from here and are told of each new one, so that sessions go on undisturbed
 * (`setSecureContext` concerns new handshakes only). v3.5 issued one per start and let it expire.
 */
import { certificateInvalid } from '../../shared/certificates/pem-text.js';
import type { Clock, Timer } from '../../shared/clock.js';
import type { CertificateAuthority, IssuedCertificate } from './authority.js';

/** What the certificate is for and who wants to hear of it. */
export interface ServerCertificateOptions {
  readonly authority: Pick<CertificateAuthority, 'issueServerCertificate'>;
  /** Host names, wildcards and addresses. */
  readonly names: readonly string[];
  readonly clock: Clock;
  /** Called with each certificate after the first. */
  readonly onRenewed: (certificate: IssuedCertificate) => void;
  /** Called when renewal fails (it is tried again every hour), and once when the CA's end makes it pointless. */
  readonly onTrouble: (reason: unknown) => void;
}

/**
 * How often the time is looked at. Not one long timer: timers count at most 24.8 days and stand still
 * while a machine sleeps.
 */
const CHECK_INTERVAL_MS = 3_600_000;
/** Renewed when fewer days remain, so that a failing renewal leaves time to act. */
const LAST_DAYS_MS = 30 * 86_400_000;

/** A server certificate that renews itself until stopped. */
export class ServerCertificate {
  private readonly timer: Timer;
  private isRenewing = false;
  private isStopped = false;

  /** Issues the first certificate; throws what the authority throws. */
  static async start(options: ServerCertificateOptions): Promise<ServerCertificate> {
    const first = await options.authority.issueServerCertificate(options.names);
    return new ServerCertificate(options, first);
  }

  private constructor(
    private readonly options: ServerCertificateOptions,
    private issued: IssuedCertificate,
  ) {
    this.timer = options.clock.every(CHECK_INTERVAL_MS, () => void this.renewIfDue());
  }

  /** The certificate to serve now. */
  get current(): IssuedCertificate {
    return this.issued;
  }

  /** Ends renewal; stopping twice is safe. */
  stop(): void {
    this.isStopped = true;
    this.timer.cancel();
  }

  /** Never rejects: trouble goes to `onTrouble`. */
  private async renewIfDue(): Promise<void> {
    const { authority, names, clock, onRenewed, onTrouble } = this.options;
    if (this.isRenewing || clock.now() < renewalTime(this.issued)) return;
    this.isRenewing = true;
    try {
      const renewed = await authority.issueServerCertificate(names);
      if (this.isStopped) return;
      if (renewed.notAfter <= this.issued.notAfter) {
        this.stop(); // the same each hour; a new CA comes with a new ServerCertificate
        onTrouble(
          certificateInvalid(
            'the server certificate cannot be renewed beyond the end of its CA; replace the CA',
          ),
        );
        return;
      }
      this.issued = renewed;
      onRenewed(renewed);
    } catch (reason) {
      onTrouble(reason);
    } finally {
      this.isRenewing = false;
    }
  }
}

/** After two thirds of its life; for a long one at the latest 30 days before the end. In ms since the epoch. */
export function renewalTime({ notBefore, notAfter }: IssuedCertificate): number {
  const twoThirds = notBefore + ((notAfter - notBefore) * 2) / 3;
  const lastDays = notAfter - LAST_DAYS_MS;
  // A certificate of a CA that ends soon may live for fewer than 30 days from the start.
  return lastDays > notBefore ? Math.min(twoThirds, lastDays) : twoThirds;
}
