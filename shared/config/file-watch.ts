/**
 * Notices that files have changed, by looking at them from time to time: inotify does not see the swapped
 * symlinks by which Kubernetes updates mounted ConfigMaps and Secrets.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../clock.js';

/** What is watched. */
export interface FileWatchOptions {
  /** Files and directories (not their sub-directories); asked anew at each look. */
  readonly paths: () => readonly string[];
  readonly clock: Clock;
  readonly onChange: () => void;
}

const LOOK_INTERVAL_MS = 5000;

/** Looks until stopped. */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #timer: Timer;
  #seen: string;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#seen = this.#look();
    this.#timer = options.clock.every(LOOK_INTERVAL_MS, () => this.#check());
  }

  stop(): void {
    this.#timer.cancel();
  }

  #check(): void {
    const now = this.#look();
    if (now === this.#seen) return;
    this.#seen = now;
    this.#options.onChange();
  }

  #look(): string {
    return this.#options.paths().map(signature).join('\n');
  }
}

/** Changes when the file does, or a file of the directory; `absent` while it cannot be read. */
function signature(path: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isDirectory()) return `${stat.ino}:${stat.mtimeMs}:${stat.size}`;
    return readdirSync(path)
      .map((name) => fileSignature(join(path, name)))
      .join();
  } catch {
    return 'absent'; // reported by whoever reads it
  }
}

function fileSignature(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? `${path}:${stat.ino}:${stat.mtimeMs}:${stat.size}` : '';
}
