/**
 * Installs the packages of a fresh clone, which builds it, too; does nothing when they are there. What `npm run demo`, `npm run bench`
 * and `npm run soak` begin with. Plain JavaScript without dependencies, since nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';

if (!existsSync(join(ROOT, 'node_modules', '.package-lock.json'))) {
  console.error('Installing packages (once) …');
  const { status } = spawnSync(NPM, ['ci', '--no-audit', '--no-fund', '--loglevel', 'error'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}
