/**
 * Jobs, builds and the queue of a demo Jenkins. Progress depends on the clock only: an item leaves the
 * queue and a build ends when enough time has passed, which is worked out when somebody asks.
 */

/** A job, folder or multibranch project. */
export interface Job {
  readonly kind: 'freestyle' | 'folder' | 'multibranch';
  /** As in the path after one decoding: branches keep `%2F` in their name. */
  readonly name: string;
  readonly parameters: readonly string[];
  readonly jobs: ReadonlyMap<string, Job>;
  readonly builds: Build[];
}

/** A build. */
export interface Build {
  readonly number: number;
  readonly queueId: number;
  readonly parameters: Readonly<Record<string, string>>;
  readonly startedMs: number;
  /** Undefined while it runs. */
  result: 'SUCCESS' | 'ABORTED' | undefined;
  endedMs: number;
  description: string;
}

/** A waiting, started or cancelled request for a build. */
export interface QueueItem {
  readonly id: number;
  readonly job: Job;
  /** Names of the folders and the job. */
  readonly path: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly queuedMs: number;
  build: Build | undefined;
  isCancelled: boolean;
}

interface BuildServerOptions {
  readonly queueMs: number;
  readonly runMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The state of a demo Jenkins. */
export class BuildServer {
  readonly root: Job = folder('', [
    freestyle('demo'),
    freestyle('with params', ['color', 'size']),
    freestyle('big'),
    folder('team', [freestyle('deploy [prod]'), folder('inner', [freestyle('nightly')])]),
    {
      ...folder('service', [freestyle('main'), freestyle('feature%2Flogin')]),
      kind: 'multibranch',
    },
  ]);
  readonly #items = new Map<number, QueueItem>();
  readonly #options: BuildServerOptions;
  #lastId = 0;

  constructor(options: BuildServerOptions) {
    this.#options = options;
    for (const name of ['demo', 'big']) this.#addFinished(name);
  }

  /** The job at a path of names, undefined when there is none. Brings all builds up to date. */
  find(path: readonly string[]): Job | undefined {
    this.#advance();
    let current: Job | undefined = this.root;
    for (const name of path) current = current?.jobs.get(name);
    return current;
  }

  item(id: number): QueueItem | undefined {
    this.#advance();
    return this.#items.get(id);
  }

  /** Puts a build into the queue. */
  enqueue(path: readonly string[], job: Job, parameters: Record<string, string>): QueueItem {
    this.#lastId += 1;
    const item: QueueItem = {
      id: this.#lastId,
      job,
      path,
      parameters,
      queuedMs: this.#options.now(),
      build: undefined,
      isCancelled: false,
    };
    this.#items.set(item.id, item);
    return item;
  }

  /** Ends a running build. */
  abort(build: Build): void {
    this.#advance();
    if (build.result !== undefined) return;
    build.result = 'ABORTED';
    build.endedMs = this.#options.now();
  }

  #advance(): void {
    const now = this.#options.now();
    const { queueMs, runMs } = this.#options;
    for (const item of this.#items.values()) {
      if (item.build === undefined && !item.isCancelled && now >= item.queuedMs + queueMs) {
        item.build = newBuild(item, item.queuedMs + queueMs);
      }
      const { build } = item;
      if (build !== undefined && build.result === undefined && now >= build.startedMs + runMs) {
        build.result = 'SUCCESS';
        build.endedMs = build.startedMs + runMs;
      }
    }
  }

  #addFinished(name: string): void {
    const job = this.root.jobs.get(name);
    if (job === undefined) return;
    const item = this.enqueue([name], job, {});
    const build = newBuild(item, item.queuedMs - this.#options.runMs);
    item.build = build;
    build.result = 'SUCCESS';
    build.endedMs = item.queuedMs;
  }
}

function newBuild(item: QueueItem, startedMs: number): Build {
  const build: Build = {
    number: item.job.builds.length + 1,
    queueId: item.id,
    parameters: item.parameters,
    startedMs,
    result: undefined,
    endedMs: 0,
    description: '',
  };
  item.job.builds.push(build);
  return build;
}

function freestyle(name: string, parameters: readonly string[] = []): Job {
  return { kind: 'freestyle', name, parameters, jobs: new Map(), builds: [] };
}

function folder(name: string, jobs: readonly Job[]): Job {
  const entries = jobs.map((job) => [job.name, job] as const);
  return { kind: 'folder', name, parameters: [], jobs: new Map(entries), builds: [] };
}
