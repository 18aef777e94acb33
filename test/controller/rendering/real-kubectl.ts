/**
 * The kubectl binaries of this machine: the one on PATH and those of other versions beside it
 * (`kubectl.1.27` …). Tests that need one are skipped where there is none.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** How a run of kubectl ended. */
export interface KubectlResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Paths of kubectl binaries, oldest version first; FAIRLEAD_TEST_KUBECTL adds more, separated by colons. */
export function kubectlBinaries(): string[] {
  const onPath = (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, 'kubectl'))
    .find((path) => existsSync(path));
  const more = (process.env['FAIRLEAD_TEST_KUBECTL'] ?? '')
    .split(':')
    .filter((path) => path !== '');
  if (onPath === undefined) return more;
  const folder = dirname(realpathSync(onPath));
  const versions = readdirSync(folder)
    .filter((name) => /^kubectl\.\d+\.\d+$/.test(name))
    .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .map((name) => join(folder, name));
  return [...more, ...(versions.length === 0 ? [onPath] : versions)];
}

/** Runs kubectl with its caches in `home`, so that no run sees what another one found out. */
export async function kubectl(
  binary: string,
  args: readonly string[],
  options: { readonly home: string; readonly input?: string },
): Promise<KubectlResult> {
  const child = spawn(binary, args, {
    env: { HOME: join(options.home, basename(binary)), PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.on('error', () => undefined); // kubectl need not read all of it
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}
