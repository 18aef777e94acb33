/**
 * Runs one command line and says how it ended: an exit code, and on failure one line on stderr with what
 * went wrong, then what to do. `fairlead.ts` is the process around it.
 */
import { CommanderError, type Command } from 'commander';
import { tunnelErrorFrom, type TunnelError } from '../../shared/errors.js';
import { EXIT_CODE, type CommandIo } from './command-io.js';
import { fairleadProgram } from './fairlead-program.js';
import type { FairleadPrograms } from './fairlead-programs.js';
import { translateGoFlags } from './go-flags.js';

/** Runs the command; `argv` without node and script. Resolves with the exit code, never rejects. */
export async function runFairlead(
  argv: readonly string[],
  io: CommandIo,
  programs: FairleadPrograms,
): Promise<number> {
  let exitCode: number = EXIT_CODE.done;
  const { args, notes } = translateGoFlags(argv);
  for (const note of notes) io.stderr.write(`fairlead: ${note}\n`);
  const program = fairleadProgram({ io, programs, exitWith: (code) => (exitCode = code) });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (reason) {
    return reason instanceof CommanderError
      ? endOfParsing(reason, helpCommand(program, args), io)
      : failure(tunnelErrorFrom(reason), io);
  }
}

/** Help and version end parsing by an error too; everything else is a mistake in the command line. */
function endOfParsing(reason: CommanderError, help: string, io: CommandIo): number {
  if (reason.exitCode === 0) return EXIT_CODE.done;
  // Help was asked for by giving no command; it has been printed on stderr.
  if (reason.code === 'commander.help') return EXIT_CODE.usage;
  const [message = '', suggestion] = reason.message.replace(/^error: /, '').split('\n');
  const hint = suggestion?.replace(/^\(|\)$/g, '') ?? `see ${help}`;
  io.stderr.write(`fairlead: ${message}\n  ${hint}\n`);
  return EXIT_CODE.usage;
}

/** `fairlead ca init --help` when the mistake is in the options of that command. */
function helpCommand(program: Command, args: readonly string[]): string {
  const path = ['fairlead'];
  let { commands } = program;
  for (const arg of args) {
    const command = commands.find((one) => one.name() === arg);
    if (command === undefined) break;
    path.push(command.name());
    ({ commands } = command);
  }
  return `${path.join(' ')} --help`;
}

function failure(error: TunnelError, io: CommandIo): number {
  const [message = '', ...hints] = error.message.split('\n');
  io.stderr.write(`fairlead: ${message}\n${hints.map((hint) => `  ${hint}\n`).join('')}`);
  // A fault of ours: the stack is what a report needs.
  if (error.code === 'INTERNAL' && error.cause instanceof Error) {
    io.stderr.write(`${error.cause.stack ?? error.cause.message}\n`);
  }
  return error.kind.exit;
}
