/**
 * `npm run demo` in a fresh clone: installs and builds what is missing, then runs `fairlead demo`.
 * Plain JavaScript without dependencies, since nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..', '..');
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';

if (!existsSync(join(ROOT, 'node_modules', '.package-lock.json'))) {
  console.error('Installing packages (once) …');
  run(NPM, ['ci', '--no-audit', '--no-fund', '--loglevel', 'error']);
}
// does nothing when nothing has changed
run(process.execPath, [join(ROOT, 'build.mjs')]);

// In this process, so that there is none in between to hand on signals and exit codes.
process.argv.splice(2, 0, 'demo');
await import(pathToFileURL(join(ROOT, 'dist', 'fairlead.js')).href);

function run(command, args) {
  const { status } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}
