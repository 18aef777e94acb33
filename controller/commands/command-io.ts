/**
 * What a command sees of the process it runs in, so that commands run in tests without one. Data goes to
 * stdout, everything said about it to stderr. Only `fairlead.ts` makes the real one.
 */
import type { Clock } from '../../shared/clock.js';

/** A stream that text is written to. */
export interface TextOutput {
  write(text: string): unknown;
  /** Whether a person is looking: only then is output redrawn in place. */
  readonly isTTY?: boolean;
  /** Width in characters, on a terminal. */
  readonly columns?: number;
}

/** The process around a command. */
export interface CommandIo {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborts at the first SIGINT or SIGTERM; until it is asked for, these end the process as usual. */
  interruption(): AbortSignal;
}

/** Exit codes of all commands. */
export const EXIT_CODE = { done: 0, failed: 1, usage: 2, refused: 3, unreachable: 4 } as const;
