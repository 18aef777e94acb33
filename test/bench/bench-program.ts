/**
 * Programs of this benchmark in processes of their own: targets, rivals, load generators. Each gets its
 * options as a JSON line on standard input, writes JSON lines, and ends when its standard input closes, so that
 * none outlives the bench.
 */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ChildProgram } from '../../deploy/demo/child-program.js';
import type { LogLine } from '../../deploy/demo/child-program.js';
import { errorText } from '../../shared/errors.js';

/** How long a program may take to start, beside the work it was asked to do. */
const START_MS = 30_000;

/** Starts `programs/NAME-program.ts`. */
export function startProgram(name: string, options: unknown): ChildProgram {
  const file = fileURLToPath(new URL(`programs/${name}-program.ts`, import.meta.url));
  return new ChildProgram({
    name,
    args: ['--import', 'tsx', file],
    input: `${JSON.stringify(options)}\n`,
  });
}

/** The first report of this kind. Rejects when the program fails or is too slow. */
export async function reportOf<T>(
  program: ChildProgram,
  kind: string,
  schema: z.ZodType<T>,
  timeoutMs = 0,
): Promise<T> {
  const isAwaited = (line: LogLine): boolean => ['fault', kind].includes(String(line['report']));
  const line = await program.line(isAwaited, START_MS + timeoutMs).catch((reason: unknown) => {
    const { exitCode, signalCode } = program.process;
    const state = signalCode ?? (exitCode === null ? 'still running' : `exit code ${exitCode}`);
    throw new Error(`${errorText(reason).trim()} (${state})`);
  });
  if (line['report'] === 'fault') throw new Error(`${program.name}: ${String(line['text'])}`);
  return schema.parse(line);
}

const portSchema = z.object({ port: z.number() });

/** The port in the first report of this kind. */
export async function reportedPort(program: ChildProgram, kind = 'ready'): Promise<number> {
  return (await reportOf(program, kind, portSchema)).port;
}

/** Runs a program to its end and returns its only report. */
export async function runProgram<T>(
  name: string,
  options: unknown,
  schema: z.ZodType<T>,
  timeoutMs: number,
): Promise<T> {
  const program = startProgram(name, options);
  try {
    return await reportOf(program, 'done', schema, timeoutMs);
  } finally {
    await program.stop('SIGKILL');
  }
}
