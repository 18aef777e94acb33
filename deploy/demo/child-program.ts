/**
 * A program as a process of its own: started, watched for the line that says it is ready, ended with all
 * it has. Used by the demo and by the test harness.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A JSON line that a program wrote. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What to start. */
export interface ProgramOptions {
  /** For error texts. */
  readonly name: string;
  /** Arguments of node: the script and its own arguments. */
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Written to its standard input, which then stays open: many programs here end when it closes. */
  readonly input?: string | undefined;
  /** Start it in a group of its own, where the signals of the terminal do not reach it. */
  readonly hasOwnGroup?: boolean | undefined;
  /** Gets every line of its standard output and error. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** Lines kept for error texts and for those who ask later. */
const KEPT_LINES = 2000;
const STOP_TIMEOUT_MS = 30_000;

/** A started program. */
export class ChildProgram {
  readonly name: string;
  readonly process: ChildProcess;
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  #hasExited = false;

  constructor(options: ProgramOptions) {
    const { name, args, env, input, hasOwnGroup, onLine } = options;
    this.name = name;
    this.process = spawn(process.execPath, args, {
      env: env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: hasOwnGroup ?? false,
    });
    this.process.stdin?.on('error', () => undefined); // a program that ended at once
    if (input !== undefined) this.process.stdin?.write(input);
    const take = (line: string): void => {
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      onLine?.(line);
      this.#wake();
    };
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', take);
    }
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        this.#hasExited = true;
        resolve(code ?? signal ?? 1);
        this.#wake();
      });
    });
  }

  /** What it has written, line by line. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The first JSON line that `matches`, now or later. Rejects when the program ends or time is up. */
  async line(matches: (line: LogLine) => boolean, timeoutMs = 20_000): Promise<LogLine> {
    let found: LogLine | undefined;
    await this.until(() => {
      found = this.#lines.map(parsed).find((line) => line !== undefined && matches(line));
      return found !== undefined;
    }, timeoutMs);
    return found ?? {};
  }

  /** Waits until `isTrue`, looked at with every line. Rejects when the program ends or time is up. */
  async until(isTrue: () => boolean, timeoutMs = 20_000): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve, reject) => {
      const finish = (fault?: string): void => {
        this.#watchers.delete(look);
        clearTimeout(timer);
        if (fault === undefined) resolve();
        else reject(new Error(`${this.name} ${fault}:\n${this.#lines.slice(-20).join('\n')}`));
      };
      const look = (): void => {
        if (isTrue()) finish();
        else if (this.#hasExited) finish('has ended');
      };
      const timer = setTimeout(() => finish(`was not ready within ${timeoutMs} ms`), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** Asks it to end, by force when it does not; resolves when it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    if (this.#hasExited) return this.exited;
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
      this.process.stdin?.destroy();
    }
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

function parsed(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // a line for people
  }
}
