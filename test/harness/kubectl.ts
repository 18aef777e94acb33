/**
 * Real kubectl binaries for tests: finds every version on the machine and runs one with a home and
 * kubeconfig of its own. Used by the demo's tests and by all end-to-end tests.
 * Looked at: `kubectl` on PATH, `kubectl.*` beside the file it links to, and FAIRLEAD_KUBECTL_DIR.
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';

/** A kubectl binary. */
export interface Kubectl {
  /** Minor release, for example `1.27`. */
  readonly version: string;
  readonly path: string;
}

/** What a finished kubectl left. */
export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; 124 when it was killed for taking too long. */
  readonly code: number;
}

/** Options of one run. */
export interface KubectlRunOptions {
  /** Text or bytes for stdin; stdin is empty otherwise. */
  readonly input?: string | Buffer;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Every kubectl of the machine, one per minor release, oldest first. Empty when there is none. */
export function findKubectls(env: NodeJS.ProcessEnv = process.env): Kubectl[] {
  const byVersion = new Map<string, string>();
  const onPath = findOnPath(env);
  const folders = [env['FAIRLEAD_KUBECTL_DIR'], onPath && dirname(realpathSync(onPath))];
  for (const folder of folders) {
    if (folder === undefined || folder === '') continue;
    for (const name of readdirSync(folder)) {
      const version = /^kubectl\.(1\.\d+)$/.exec(name)?.[1];
      if (version !== undefined && !byVersion.has(version))
        byVersion.set(version, join(folder, name));
    }
  }
  // The plain name may be a dispatcher that picks a sibling; a sibling of the same release wins.
  if (onPath !== undefined) {
    const version = versionOf(onPath);
    if (version !== undefined && !byVersion.has(version)) byVersion.set(version, onPath);
  }
  return [...byVersion]
    .map(([version, path]) => ({ version, path }))
    .sort((left, right) => minorOf(left) - minorOf(right));
}

/** The minor number of a binary's version, for example 27. */
export function minorOf(kubectl: Kubectl): number {
  return Number(kubectl.version.split('.')[1]);
}

/** Text of a kubeconfig with one cluster and one user. */
export function kubeconfigText(parts: {
  readonly server: string;
  readonly namespace?: string;
  /** PEM of the CA that signed the server's certificate. */
  readonly ca?: string;
  readonly token?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}): string {
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  const { ca, token, clientCert, clientKey } = parts;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: parts.server,
          ...(ca === undefined ? {} : { 'certificate-authority-data': data(ca) }),
        },
      },
    ],
    users: [
      {
        name: 'test',
        user: {
          ...(token === undefined ? {} : { token }),
          ...(clientCert === undefined ? {} : { 'client-certificate-data': data(clientCert) }),
          ...(clientKey === undefined ? {} : { 'client-key-data': data(clientKey) }),
        },
      },
    ],
    contexts: [
      {
        name: 'test',
        context: { cluster: 'test', user: 'test', namespace: parts.namespace ?? 'default' },
      },
    ],
    'current-context': 'test',
  });
}

/** A kubectl with its own home folder, so that caches are not shared between tests. */
export class KubectlHome {
  /** The folder; files for the test may be put there. */
  readonly folder = mkdtempSync(join(tmpdir(), 'fairlead-kubectl-'));
  readonly #running = new Set<ChildProcess>();

  constructor(
    readonly kubectl: Kubectl,
    kubeconfig: string,
  ) {
    writeFileSync(join(this.folder, 'config'), kubeconfig);
  }

  /** Runs to the end. Never rejects for what kubectl says; look at `code`. */
  async run(args: readonly string[], options: KubectlRunOptions = {}): Promise<KubectlResult> {
    const { stdout, stderr, code } = await this.#run(args, options);
    return { stdout: stdout.toString('utf8'), stderr, code };
  }

  /** As run, with stdout as bytes. */
  async runBytes(
    args: readonly string[],
    options: KubectlRunOptions = {},
  ): Promise<{ stdout: Buffer; stderr: string; code: number }> {
    return this.#run(args, options);
  }

  /** Starts without waiting; stdin, stdout and stderr are pipes. Ended by close() at the latest. */
  start(args: readonly string[], options: KubectlRunOptions = {}): ChildProcess {
    const child = spawn(this.kubectl.path, args, {
      cwd: options.cwd ?? this.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        KUBECONFIG: join(this.folder, 'config'),
        ...options.env,
      },
      stdio: 'pipe',
    });
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  /** Kills what still runs and removes the folder. */
  close(): void {
    for (const child of this.#running) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #run(
    args: readonly string[],
    options: KubectlRunOptions,
  ): Promise<{ stdout: Buffer; stderr: string; code: number }> {
    const child = this.start(args, options);
    const { stdin, stdout, stderr } = child;
    if (stdin === null || stdout === null || stderr === null)
      throw new Error('kubectl has no pipes');
    stdin.on('error', () => undefined); // kubectl may end without reading its input
    stdin.end(options.input ?? '');
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? 30_000);
    const exited = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
    try {
      const [output, errors, code] = await Promise.all([buffer(stdout), text(stderr), exited]);
      return { stdout: output, stderr: errors, code: isLate ? 124 : code };
    } finally {
      clearTimeout(timer);
    }
  }
}

function findOnPath(env: NodeJS.ProcessEnv): string | undefined {
  const candidates = (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl'));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}

function versionOf(path: string): string | undefined {
  try {
    const output = execFileSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
    return /"gitVersion":\s*"v(1\.\d+)/.exec(output)?.[1];
  } catch {
    return undefined; // a binary that cannot say its version is of no use to tests
  }
}
