/**
 * Writes the generated parts of CONFIGURATION.md, LIMITS.md and ERRORS.md anew. Run it from the root of the
 * project after a change of an option, a limit or an error code:
 *
 *     node --import tsx deploy/docs/generate-pages.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { freshPages } from './pages.js';

const read = (path: string): string => readFileSync(path, 'utf8');

for (const [page, text] of freshPages(read)) {
  if (read(page) === text) continue;
  writeFileSync(page, text);
  process.stdout.write(`${page} is up to date now\n`);
}
