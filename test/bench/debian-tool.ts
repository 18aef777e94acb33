/**
 * Programs that come with Debian packages. A missing one is said once, with the package to install, and
 * whatever needs it is left out of the run.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs and their packages. */
const PACKAGES = {
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  sshd: 'openssh-server',
} as const;
export type Tool = keyof typeof PACKAGES;

/** sshd lives where the PATH of most users does not lead. */
const FURTHER_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

/** A tool that is not there. */
export class MissingTool extends Error {
  constructor(tool: Tool) {
    super(`${tool} is missing: apt-get install ${PACKAGES[tool]}`);
  }
}

/** Path of a program. Throws MissingTool. */
export function toolPath(tool: Tool): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...FURTHER_FOLDERS];
  const found = folders.map((folder) => join(folder, tool)).find((path) => existsSync(path));
  if (found === undefined) throw new MissingTool(tool);
  return found;
}

/** Runs a program to its end; rejects unless it exits with 0 in time. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  timeoutMs = 30_000,
): Promise<string> {
  const child: ChildProcess = spawn(toolPath(tool), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  }
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (number, signal) => resolve(number ?? signal));
  }).finally(() => process.off('exit', kill));
  if (code !== 0) throw new Error(`${tool} ended with ${String(code)}:\n${text}`);
  return text;
}
