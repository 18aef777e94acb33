/**
 * The commands of the demo's containers: a handful of programs and a shell that knows `;`, `&&`,
 * `||`, quotes and variables. Runs inside this process; with `allowProcesses`, programs that are not
 * built in are real ones. It also stands in for a terminal: it prompts and knows `stty size`.
 */
import type { CommandIo, CommandResult } from '../command-io.js';
import type { Program, ShellContext } from './demo-programs.js';
import { PROGRAMS } from './demo-programs.js';
import { LineReader } from './line-reader.js';
import { parseScript } from './shell-syntax.js';

/** Runs what is not built in; undefined when nothing else may run. */
export type FallbackProgram = (command: readonly string[], io: CommandIo) => Promise<CommandResult>;

/** What a shell runs in. */
export interface ShellOptions {
  readonly environment: Readonly<Record<string, string>>;
  readonly fallback: FallbackProgram | undefined;
  readonly now: () => Date;
}

const SHELLS = new Set(['sh', 'bash', 'ash', '/bin/sh', '/bin/bash', '/bin/ash']);

/** Runs one command line as exec gives it. */
export async function runInShell(
  command: readonly string[],
  io: CommandIo,
  options: ShellOptions,
): Promise<CommandResult> {
  return new DemoShell(io, options).runCommand(command);
}

class DemoShell {
  readonly #context: ShellContext;

  constructor(
    private readonly io: CommandIo,
    private readonly options: ShellOptions,
  ) {
    this.#context = { io, environment: { ...options.environment }, now: options.now };
  }

  async runCommand(command: readonly string[]): Promise<CommandResult> {
    const [name = '', flag, script = ''] = command;
    if (!SHELLS.has(name)) return this.#runProgram(command);
    const code =
      flag === '-c' || flag === '-ec' || flag === '-lc'
        ? await this.#runScript(script)
        : await this.#interact();
    return { kind: 'exited', code };
  }

  async #runProgram(command: readonly string[]): Promise<CommandResult> {
    const [name = '', ...args] = command;
    const program: Program | undefined = PROGRAMS[name.replace(/^(\/usr)?\/bin\//, '')];
    if (program !== undefined) return { kind: 'exited', code: await program(args, this.#context) };
    if (this.options.fallback !== undefined) return this.options.fallback(command, this.io);
    await this.io.writeErr(Buffer.from(`exec: "${name}": executable file not found in $PATH\n`));
    return { kind: 'exited', code: 127 };
  }

  /** Runs a script and returns the exit code of its last command. */
  async #runScript(script: string): Promise<number> {
    let code = 0;
    for (const { operator, words } of parseScript(script, this.#context.environment)) {
      if (operator === '&&' && code !== 0) continue;
      if (operator === '||' && code === 0) continue;
      if (words[0] === 'exit') return words[1] === undefined ? code : Number(words[1]) & 0xff;
      const result = SHELLS.has(words[0] ?? '')
        ? await this.runCommand(words)
        : await this.#runProgram(words);
      code = result.kind === 'exited' ? result.code : 1;
      if (this.io.signal.aborted) break;
    }
    return code;
  }

  /** Reads commands from stdin until it ends or says `exit`. */
  async #interact(): Promise<number> {
    const { io } = this;
    if (io.stdin === undefined) return 0;
    const lines = new LineReader(
      io.stdin,
      io.isTerminal ? (bytes) => io.writeOut(bytes) : undefined,
    );
    let code = 0;
    for (;;) {
      if (io.isTerminal) await io.writeOut(Buffer.from('$ '));
      const line = await lines.next();
      if (line === undefined) return code;
      const isExit = /^\s*exit(\s+(\d+))?\s*$/.exec(line);
      if (isExit !== null) return isExit[2] === undefined ? code : Number(isExit[2]) & 0xff;
      code = await this.#runScript(line);
    }
  }
}
