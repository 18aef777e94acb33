/**
 * Errors of a command line: what was wrong on the first line, what to do on the following ones.
 */
import { TunnelError } from '../../shared/errors.js';

/** A usage error; exit code 2. `hint` is a sentence or an example. */
export function usageError(message: string, hint?: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', hint === undefined ? message : `${message}\n${hint}`);
}

/** The error for an option that has to be given. */
export function missingOption(option: string, example: string): TunnelError {
  return usageError(`option ${option} is missing`, `for example: ${example}`);
}
