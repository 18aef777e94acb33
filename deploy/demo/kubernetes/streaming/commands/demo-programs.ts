/** The programs that the demo's containers have without any process being started. */
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandIo } from '../command-io.js';

/** What a program runs in. */
export interface ShellContext {
  readonly io: CommandIo;
  readonly environment: Record<string, string>;
  readonly now: () => Date;
}

/** Runs with its arguments and returns the exit code. */
export type Program = (args: readonly string[], context: ShellContext) => Promise<number>;

/** Built-in programs by name. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  true: () => Promise.resolve(0),
  false: () => Promise.resolve(1),
  echo: async (args, { io }) => {
    const hasNewline = args[0] !== '-n';
    const text = (hasNewline ? args : args.slice(1)).join(' ');
    return print(io, hasNewline ? `${text}\n` : text);
  },
  date: (_args, { io, now }) => print(io, `${now().toUTCString()}\n`),
  hostname: (_args, { io, environment }) => print(io, `${environment['HOSTNAME'] ?? ''}\n`),
  env: (_args, { io, environment }) =>
    print(
      io,
      Object.entries(environment)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    ),
  sleep: async (args, { io }) => {
    const stopped = delay(Number(args[0] ?? 0) * 1000, undefined, { signal: io.signal });
    return stopped.then(
      () => 0,
      () => 143, // ended by the caller's leaving, as by SIGTERM
    );
  },
  cat: async (args, { io }) => {
    if (args.length > 0) {
      await io.writeErr(Buffer.from(`cat: ${args.join(' ')}: No such file or directory\n`));
      return 1;
    }
    if (io.stdin === undefined) return 0;
    // The stream has no encoding set, so its chunks are buffers.
    for await (const chunk of io.stdin) await io.writeOut(chunk as Buffer);
    return 0;
  },
  stty: async (args, { io }) => {
    const size = io.isTerminal ? await io.firstTerminalSize() : undefined;
    if (args[0] !== 'size' || size === undefined) {
      await io.writeErr(Buffer.from("stty: 'standard input': Inappropriate ioctl for device\n"));
      return 1;
    }
    const { rows, columns } = io.terminalSize() ?? size;
    return print(io, `${rows} ${columns}\n`);
  },
};

async function print(io: CommandIo, text: string): Promise<number> {
  // A terminal moves to the start of the next line only with a carriage return.
  await io.writeOut(Buffer.from(io.isTerminal ? text.replaceAll('\n', '\r\n') : text));
  return 0;
}
