/**
 * The command line of the bench.
 */
import { parseArgs } from 'node:util';
import type { Extent } from './row.js';

/** What to run and where results go. */
export interface BenchOptions extends Extent {
  /** Numbers of the rows; undefined: all. */
  readonly rows: readonly number[] | undefined;
  readonly jsonFile: string | undefined;
  readonly markdownFile: string | undefined;
  readonly plotsDir: string | undefined;
}

export const USAGE = `npm run bench -- [options]
  --rows 1,3,5      only these rows
  --rounds N        times that every contestant has its turn (default 3, quick 1)
  --seconds N       per point (default 5, quick 1)
  --quick           everything in a few minutes, with few points
  --full-length     row 10 for 30 minutes instead of one
  --json FILE       all figures
  --markdown FILE   the tables as a page
  --plots DIR       the charts of row 11 as SVG
`;

/** Reads the arguments. Throws a text for people. */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'full-length': { type: 'boolean', default: false },
      json: { type: 'string' },
      markdown: { type: 'string' },
      plots: { type: 'string' },
    },
  });
  const isQuick = values.quick;
  return {
    rows: values.rows?.split(',').map((text) => count('rows', text)),
    rounds: count('rounds', values.rounds ?? (isQuick ? '1' : '3')),
    seconds: count('seconds', values.seconds ?? (isQuick ? '1' : '5')),
    isQuick,
    isFullLength: values['full-length'],
    jsonFile: values.json,
    markdownFile: values.markdown,
    plotsDir: values.plots,
  };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000) {
    throw new Error(`--${option}: expected a whole number from 1, not "${text}"`);
  }
  return value;
}
