/**
 * Applies a changed configuration to a running process: on SIGHUP and when a file has changed. A faulty
 * one is refused with a message and what was in force stays. Runs one reload at a time.
 */
import type { Log } from '../log.js';
import type { FileWatch } from './file-watch.js';

/** What is reloaded, and how. */
export interface ReloaderOptions {
  /** Of the files whose change asks for a reload; it has looked at each before that was read for the first time. */
  readonly watch: FileWatch;
  readonly log: Log;
  /** Reads and applies; rejects with what is wrong, having changed nothing. */
  readonly apply: () => Promise<void>;
}

/** Watches until stopped. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.#options = options;
    options.watch.start(() => void this.reload('files changed'));
  }

  /** Reloads after any reload under way; never rejects. */
  reload(reason: string): Promise<void> {
    this.#running = this.#running.then(() => this.#apply(reason));
    return this.#running;
  }

  stop(): void {
    this.#options.watch.stop();
  }

  async #apply(reason: string): Promise<void> {
    const { log, apply } = this.#options;
    try {
      await apply();
      log.info({ reason }, 'configuration reloaded');
    } catch (err) {
      log.error({ err, reason }, 'new configuration refused; the old one stays in force');
    }
  }
}
