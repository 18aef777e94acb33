/**
 * Runs of real kubectl for end-to-end tests: to their end, or followed line by line with the time at
 * which each came. Which binaries there are is kubectl.ts' business, what they talk to kubernetes-rig.ts'.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { findKubectls } from './kubectl.js';
import type { Kubectl } from './kubectl.js';
import { waitFor } from './wait-for.js';

/** Every kubectl of the machine, oldest first. Throws when there is none, so that no test passes unrun. */
export function everyKubectl(): readonly Kubectl[] {
  const all = findKubectls();
  if (all.length > 0) return all;
  throw new Error('no kubectl found: put one on PATH, or some into FAIRLEAD_KUBECTL_DIR');
}

/** The oldest, the newest and, of three, one from the middle, for cases that hardly vary. */
export function fewKubectls(all: readonly Kubectl[], count: 2 | 3 = 3): readonly Kubectl[] {
  const middle = count === 3 ? [all[Math.floor((all.length - 1) / 2)]] : [];
  const picked = new Set([all[0], ...middle, all[all.length - 1]]);
  return [...picked].filter((one) => one !== undefined);
}

/** Their versions, for the names of tests. */
export function versionsText(all: readonly Kubectl[]): string {
  return all.map(({ version }) => version).join(', ');
}

/** How kubectl is run. */
export interface KubectlRunOptions {
  readonly kubeconfig: string;
  /** Where it keeps its caches; a fresh one makes it discover the API anew. Made if it is not there. */
  readonly home: string;
  /** Written to its standard input, which is closed either way. */
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Give it a terminal of its own, with this size; needs hasTerminals(). */
  readonly terminal?: { readonly rows: number; readonly columns: number };
  /** Longest run; the default ends a hanging kubectl before the test runner ends everything. */
  readonly timeoutMs?: number;
}

/** A finished run. `code` is null when a signal ended it. */
export interface KubectlResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

const RUN_TIMEOUT_MS = 60_000;

/** Runs kubectl to its end. Rejects only when it cannot be started or takes too long. */
export async function runKubectl(
  kubectl: Kubectl,
  args: readonly string[],
  options: KubectlRunOptions,
): Promise<KubectlResult> {
  const running = new RunningKubectl(kubectl, args, options);
  running.closeInput(options.input);
  const timer = setTimeout(() => running.kill('SIGKILL'), options.timeoutMs ?? RUN_TIMEOUT_MS);
  const result = await running.finished;
  clearTimeout(timer);
  if (result.code === null) {
    throw new Error(`kubectl ${kubectl.version} ${args.join(' ')} did not end:\n${result.err}`);
  }
  return result;
}

/** A line of output and when it came, as performance.now() tells it. */
export interface TimedLine {
  readonly text: string;
  readonly atMs: number;
}

/** A kubectl under way. */
export class RunningKubectl {
  readonly finished: Promise<KubectlResult>;
  /** Complete lines of standard output. */
  readonly lines: TimedLine[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #what: string;
  #unfinishedLine = '';
  #hasEnded = false;
  #err = '';

  constructor(kubectl: Kubectl, args: readonly string[], options: KubectlRunOptions) {
    mkdirSync(options.home, { recursive: true });
    this.#what = `kubectl ${kubectl.version} ${args.join(' ')}`;
    const startedMs = performance.now();
    const command = commandOf(kubectl, args, options);
    this.#child = spawn(command.file, command.args, {
      argv0: command.name,
      cwd: options.home,
      env: {
        PATH: process.env['PATH'],
        HOME: options.home,
        KUBECONFIG: options.kubeconfig,
        ...options.env,
      },
    });
    const out: Buffer[] = [];
    this.#child.stdin.on('error', () => undefined); // it need not read all of it
    this.#child.stdout.on('data', (bytes: Buffer) => {
      out.push(bytes);
      this.#takeLines(bytes.toString());
    });
    this.#child.stderr.on('data', (bytes: Buffer) => (this.#err += bytes.toString()));
    this.finished = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code) => {
        this.#hasEnded = true;
        const ms = performance.now() - startedMs;
        resolve({ code, out: Buffer.concat(out).toString(), err: this.#err, ms });
      });
    });
  }

  /** What it has complained about so far. */
  get err(): string {
    return this.#err;
  }

  write(input: string | Buffer): void {
    this.#child.stdin.write(input);
  }

  closeInput(last?: string | Buffer): void {
    if (last === undefined) this.#child.stdin.end();
    else this.#child.stdin.end(last);
  }

  kill(signal: NodeJS.Signals = 'SIGINT'): void {
    this.#child.kill(signal);
  }

  /** Everything written to standard output so far. */
  get text(): string {
    return [...this.lines.map(({ text }) => text), this.#unfinishedLine].join('\n');
  }

  /** Waits until so many lines are there; rejects when it ends before. */
  async untilLines(count: number): Promise<readonly TimedLine[]> {
    await waitFor(`${count} lines of ${this.#what}`, () => {
      if (this.lines.length >= count) return true;
      if (this.#hasEnded) throw new Error(`${this.#what} ended early: ${this.#err}`);
      return false;
    });
    return this.lines;
  }

  #takeLines(text: string): void {
    const atMs = performance.now();
    const parts = (this.#unfinishedLine + text).split('\n');
    this.#unfinishedLine = parts.pop() ?? '';
    for (const line of parts) this.lines.push({ text: line, atMs });
  }
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** What it takes itself for. */
  readonly name: string;
}

function commandOf(
  kubectl: Kubectl,
  args: readonly string[],
  { terminal }: KubectlRunOptions,
): Command {
  // kubectl's name stands in its texts
  if (terminal === undefined) return { file: kubectl.path, args, name: 'kubectl' };
  const { rows, columns } = terminal;
  const line = [kubectl.path, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const script = `tty; stty rows ${rows} cols ${columns}; exec ${line.join(' ')}`;
  return { file: 'script', args: ['-qfec', script, '/dev/null'], name: 'script' };
}

/** Whether this machine can give kubectl a terminal (util-linux' script). */
export function hasTerminals(): boolean {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return status === 0 && stdout.includes('util-linux');
}

/** Resizes the terminal that kubectl has, whose name was the first line of its output. */
export function resizeTerminal(name: string, rows: number, columns: number): void {
  const { status, stderr } = spawnSync('stty', [
    ...['-F', name, 'rows', String(rows), 'cols', String(columns)],
  ]);
  if (status !== 0) throw new Error(`stty: ${stderr.toString()}`);
}
