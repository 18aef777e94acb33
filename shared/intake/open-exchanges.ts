/**
 * The exchanges of a process that are under way: gives each its request id and report, bounds their
 * number, and tells when the last has ended. The same at both ends.
 */
import { TunnelError } from '../errors.js';
import { requestIdSource } from '../ids.js';
import type { Answerable } from './caller-exchange.js';
import { ExchangeReport } from './exchange-report.js';
import type { ReportParts } from './exchange-report.js';

/** Counts them. */
export class OpenExchanges {
  readonly #parts: ReportParts;
  readonly #maxStreams: number;
  readonly #newRequestId = requestIdSource();
  /** Of those whose credential was good: what is refused must not take room from them. */
  #admitted = 0;
  #count = 0;
  #onIdle: (() => void) | undefined;

  constructor(parts: ReportParts, maxStreams: number) {
    this.#parts = parts;
    this.#maxStreams = maxStreams;
  }

  /** Opens the report of an exchange that has just arrived. */
  begin(exchange: Answerable): ExchangeReport {
    this.#count++;
    const report = new ExchangeReport(exchange, this.#newRequestId(), this.#parts, () => {
      if (report.isAdmitted) this.#admitted--;
      if (--this.#count === 0) this.#onIdle?.();
    });
    return report;
  }

  /** Counts an exchange that is to be carried, once however often it is sent. Throws TOO_MANY_STREAMS when it is one too many. */
  admit(report: ExchangeReport): void {
    if (report.isAdmitted) return;
    if (this.#admitted < this.#maxStreams) {
      this.#admitted++;
      report.isAdmitted = true;
      return;
    }
    throw new TunnelError(
      'TOO_MANY_STREAMS',
      `${this.#maxStreams} requests are under way already (limits.maxStreams)`,
      { retryAfterSeconds: 1 },
    );
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
