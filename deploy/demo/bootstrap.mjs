/**
 * `npm run demo` in a fresh clone: installs and builds what is missing, then runs `fairlead demo`.
 * Plain JavaScript without dependencies, since nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import '../install-packages.mjs';

const ROOT = join(import.meta.dirname, '..', '..');

// does nothing when nothing has changed
const { status } = spawnSync(process.execPath, [join(ROOT, 'build.mjs')], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (status !== 0) process.exit(status ?? 1);

// In this process, so that there is none in between to hand on signals and exit codes.
process.argv.splice(2, 0, 'demo');
await import(pathToFileURL(join(ROOT, 'dist', 'fairlead.js')).href);
