/**
 * Runs the tests: all of them, or those of the folders and files named on the command line.
 *
 *     node test/run.mjs                 everything (what `npm test` and CI run)
 *     node test/run.mjs test/tunnel     one folder
 *
 * End-to-end tests drive the built command, so what is out of date is built first.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const files = (wanted.length > 0 ? wanted : ['test']).flatMap(testFiles).sort();
if (files.length === 0) {
  console.error(`no test files below ${wanted.join(', ')}`);
  process.exit(1);
}

const build = spawnSync(process.execPath, [join(ROOT, 'build.mjs')], {
  cwd: ROOT,
  stdio: 'inherit',
});
if (build.status !== 0) process.exit(build.status ?? 1);

const runner = spawn(
  process.execPath,
  [
    '--import',
    'tsx',
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    '--test-reporter',
    process.env.CI === 'true' ? 'tap' : 'spec',
    ...files,
  ],
  { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
);
runner.on('exit', (code) => {
  process.exitCode = code ?? 1;
});

function testFiles(path) {
  const full = join(ROOT, relative(ROOT, join(ROOT, path)));
  if (statSync(full).isFile()) return [relative(ROOT, full)];
  return readdirSync(full, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(relative(ROOT, full), name));
}
