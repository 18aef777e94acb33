/**
 * Everything that `--check` finds, so that it is told at once: faults of configuration and of the files it
 * names, and warnings. Used by the checks of both processes.
 */
import { TunnelError } from '../errors.js';

/** Faults and warnings, in the order in which they were found. */
export class Findings {
  readonly #faults: string[] = [];
  readonly #warnings: string[] = [];

  add(fault: string): void {
    this.#faults.push(fault);
  }

  warn(...warnings: readonly string[]): void {
    this.#warnings.push(...warnings);
  }

  /** The result of `look`; undefined when it threw a TunnelError, which is a finding. */
  look<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (reason) {
      if (!(reason instanceof TunnelError)) throw reason;
      this.add(reason.message);
      return undefined;
    }
  }

  /** The warnings, when there is no fault. Throws CONFIG_INVALID with all faults otherwise. */
  verdict(): readonly string[] {
    const faults = this.#faults.flatMap(singleFaults);
    if (faults.length === 0) return this.#warnings;
    const [only] = faults;
    const text = faults.length === 1 ? only : `${faults.length} problems:\n${faults.join('\n')}`;
    throw new TunnelError('CONFIG_INVALID', String(text));
  }
}

/** A file with several problems has told them one per line below their number. */
function singleFaults(fault: string): string[] {
  const [title = '', ...lines] = fault.split('\n');
  return /^\d+ problems:$/.test(title) ? lines : [fault];
}
