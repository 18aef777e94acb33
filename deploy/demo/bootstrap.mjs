/**
 * `npm run demo` in a fresh clone: installs and builds what is missing, then runs `fairlead demo`.
 * Plain JavaScript without dependencies, since nothing is installed yet.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const NPM = process.platform === 'win32' ? 'npm.cmd' : 'npm';

if (!existsSync(join(ROOT, 'node_modules', '.package-lock.json'))) {
  console.error('Installing packages (once) …');
  run(NPM, ['ci', '--no-audit', '--no-fund', '--loglevel', 'error']);
}
// does nothing when nothing has changed
run(process.execPath, [join(ROOT, 'build.mjs')]);

const demo = spawn(
  process.execPath,
  [join(ROOT, 'dist', 'fairlead.js'), 'demo', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
// Ctrl-C reaches the demo too, as part of the same group: this process only waits for it
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => demo.kill(signal === 'SIGINT' ? 'SIGTERM' : signal));
}
demo.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 0 : 1);
});

function run(command, args) {
  const { status } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}
