/**
 * What the definitions of all commands share: their context, examples in help, the `-o` format option.
 */
import { Option } from 'commander';
import type { CommandIo } from './command-io.js';
import type { FairleadPrograms } from './fairlead-programs.js';

/** What the actions of the commands work with. */
export interface ProgramContext {
  readonly io: CommandIo;
  readonly programs: FairleadPrograms;
  /** Takes the exit code of a program that chooses its own. */
  readonly exitWith: (code: number) => void;
}

/** `-o FORMAT`; the first format is the default. */
export function outputFormat(formats: readonly [string, ...string[]]): Option {
  return new Option('-o, --output <format>', 'form of the output')
    .choices(formats)
    .default(formats[0]);
}

/** Examples for the end of a help text. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
