/**
 * What connects a command in a pod with the caller's terminal, whichever protocol carries it.
 * Implemented by spdy-command.ts and websocket-command.ts, used by the commands.
 */
import type { Readable } from 'node:stream';
import type { JsonObject } from '../objects/json-value.js';

/** Size of the caller's terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The streams of one command. */
export interface CommandIo {
  /** Undefined when the caller sends no input. Ends when the caller half-closes it. */
  readonly stdin: Readable | undefined;
  readonly isTerminal: boolean;
  /** Resolves when more can be written. Output that the caller did not ask for is dropped. */
  writeOut(bytes: Buffer): Promise<void>;
  writeErr(bytes: Buffer): Promise<void>;
  /** The size last told; undefined before the first one. */
  terminalSize(): TerminalSize | undefined;
  /** Resolves with the first size told, undefined after a moment without one. */
  firstTerminalSize(): Promise<TerminalSize | undefined>;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

/** How a command ended. */
export type CommandResult =
  | { readonly kind: 'exited'; readonly code: number }
  /** It could not be run at all. */
  | { readonly kind: 'failed'; readonly message: string };

/** A command that runs on the streams given. */
export type RunCommand = (io: CommandIo) => Promise<CommandResult>;

/** The Status that goes out on the error stream (remotecommand v4 and v5). */
export function statusOfResult(result: CommandResult): JsonObject {
  if (result.kind === 'failed') {
    return {
      metadata: {},
      status: 'Failure',
      message: result.message,
      reason: 'InternalError',
      code: 500,
    };
  }
  if (result.code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${result.code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(result.code) }] },
  };
}
