/**
 * Is this process ready for work? Parts add named checks; the operations listener asks them at each
 * probe, so that the answer is the truth of that moment, with reasons.
 */
import { errorText } from '../errors.js';

/** What a check found. The reason is shown to whoever can reach the listener: no secrets. */
export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** One thing that has to hold for the process to be ready. `check` is synchronous and quick. */
export interface HealthCheck {
  readonly name: string;
  check(): CheckResult;
}

/** The state of all checks at one moment, as `/readyz` shows it. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: readonly CheckState[];
}

/** One check's answer. */
export interface CheckState {
  readonly name: string;
  readonly ok: boolean;
  readonly reason?: string;
}

/** The checks of one process. */
export class HealthChecks {
  readonly #checks = new Set<HealthCheck>();

  /** Adds a check; the returned function takes it away. */
  add(check: HealthCheck): () => void {
    this.#checks.add(check);
    return () => void this.#checks.delete(check);
  }

  /** Asks every check. A process without checks is ready. */
  readiness(): Readiness {
    const checks = [...this.#checks].map(stateOf);
    return { ready: checks.every(({ ok }) => ok), checks };
  }
}

/** A check that throws has failed; the probe itself must not. */
function stateOf(check: HealthCheck): CheckState {
  try {
    return { name: check.name, ...check.check() };
  } catch (reason) {
    return { name: check.name, ok: false, reason: `the check itself failed: ${errorText(reason)}` };
  }
}
