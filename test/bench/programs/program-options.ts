/**
 * The inner end of bench-program.ts: how a program of the bench reads its options and reports.
 */
import type { z } from 'zod';

/** Options of this process; from here on it ends when whoever started it does. */
export function readOptions<T>(schema: z.ZodType<T>): T {
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('uncaughtException', (reason) => {
    report('fault', { text: reason.message });
    process.exit(1);
  });
  return schema.parse(JSON.parse(process.argv[2] ?? '{}'));
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
