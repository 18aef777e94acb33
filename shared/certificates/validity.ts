/**
 * When a certificate is valid, in ms since the epoch, and the sentences for when it is not.
 */
import type { X509Certificate } from 'node:crypto';

/** The first and last moment of a certificate, in ms since the epoch. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The validity of a certificate. */
export function validityOf(certificate: X509Certificate): Validity {
  // OpenSSL's "Nov 22 02:45:00 2026 GMT" is a form that Date.parse is specified to take back from toUTCString.
  return {
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  };
}

/** `expired on …` or `is not valid before …`, with both times; undefined when valid at `nowMs`. */
export function whyNotValid(certificate: X509Certificate, nowMs: number): string | undefined {
  const { notBefore, notAfter } = validityOf(certificate);
  if (nowMs > notAfter) return `expired on ${isoTime(notAfter)} (it is ${isoTime(nowMs)} here)`;
  if (nowMs < notBefore) {
    return `is not valid before ${isoTime(notBefore)} (it is ${isoTime(nowMs)} here; check the clock)`;
  }
  // Dates that cannot be parsed compare false both times; such a certificate is not to be trusted.
  if (!(nowMs >= notBefore && nowMs <= notAfter)) return 'has a validity that cannot be read';
  return undefined;
}

/** A time in messages: `2026-11-22T02:45:00Z`. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
