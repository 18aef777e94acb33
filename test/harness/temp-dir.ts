/**
 * A directory of a test's own, removed with everything in it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory; `remove` is for the end of the test. */
export function tempDir(name = 'test'): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `fairlead-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
