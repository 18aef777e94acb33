/**
 * Notices that files have changed, by looking at them from time to time: inotify does not see the swapped
 * symlinks by which Kubernetes updates mounted ConfigMaps and Secrets.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../clock.js';

const LOOK_INTERVAL_MS = 5000;

/** Looks at files and directories (not their sub-directories) from the moment they are added. */
export class FileWatch {
  readonly #clock: Clock;
  readonly #seen = new Map<string, string>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called before they are read, each time: what changes after that is told, whenever the watch is started. */
  add(...paths: readonly string[]): void {
    for (const path of paths) this.#seen.set(path, signature(path));
  }

  /** Looks until stopped, and tells each time that something has changed. */
  start(onChange: () => void): void {
    this.#timer = this.#clock.every(LOOK_INTERVAL_MS, () => {
      if (this.#hasChanged()) onChange();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #hasChanged(): boolean {
    let hasChanged = false;
    for (const [path, before] of this.#seen) {
      const now = signature(path);
      if (now !== before) hasChanged = true;
      this.#seen.set(path, now);
    }
    return hasChanged;
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
