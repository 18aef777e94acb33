/**
 * Programs of this benchmark in processes of their own: targets, rivals, load generators. Each gets its
 * options as a JSON line on standard input, writes JSON lines, and ends when its standard input closes, so that
 * none outlives the bench.
 */
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { ChildProgram } from '../../deploy/demo/child-program.js';

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
  const line = await program.line(
    (one) => one['report'] === kind || one['report'] === 'fault',
    START_MS + timeoutMs,
  );
  if (line['report'] === 'fault') throw new Error(`${program.name}: ${String(line['text'])}`);
  return schema.parse(line);
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
