/**
 * The inner end of bench-program.ts: how a program of the bench reads its options and reports.
 */
import { createInterface } from 'node:readline';
import type { z } from 'zod';

/** The options, from the first line of standard input; from then on this process ends when that closes. */
export async function readOptions<T>(schema: z.ZodType<T>): Promise<T> {
  process.on('uncaughtException', (reason) => {
    report('fault', { text: reason.message });
    process.exit(1);
  });
  process.stdin.on('end', () => process.exit(0));
  const line = await new Promise<string>((resolve) => {
    createInterface({ input: process.stdin }).once('line', resolve);
  });
  return schema.parse(JSON.parse(line));
}

/** Writes a line that the bench waits for. */
export function report(kind: string, facts: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify({ report: kind, ...facts })}\n`);
}

/** Port of a server that listens on a free one. */
export function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null && 'port' in address)
    return Number(address.port);
  throw new Error('the server does not listen');
}
