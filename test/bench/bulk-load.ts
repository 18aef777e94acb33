/**
 * Large bodies through a contestant, from a generator in a process of its own.
 */
import { runProgram } from './bench-program.js';
import { transferSchema } from './endpoint.js';
import type { Endpoint, Transfer } from './endpoint.js';

export const DIRECTIONS = ['download', 'upload'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** What is moved. */
export interface BulkOptions {
  readonly direction: Direction;
  /** At once. */
  readonly streams: number;
  /** Of one body. */
  readonly bytes: number;
  /** No body is begun after this long. */
  readonly seconds: number;
}

/** A body that does not come to its end within this has hung. */
const BODY_MS = 180_000;

/** Moves bodies until time is up. */
export async function bulkLoad(endpoint: Endpoint, options: BulkOptions): Promise<Transfer> {
  const timeoutMs = options.seconds * 1000 + BODY_MS;
  return runProgram('bulk', { endpoint, ...options }, transferSchema, timeoutMs);
}
