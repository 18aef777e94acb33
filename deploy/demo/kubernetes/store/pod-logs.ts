/**
 * Log lines of the demo pods' containers. Written by controllers, the seed and tests; read and
 * followed by the log handler.
 */

/** One written line. */
export interface LogLine {
  readonly time: Date;
  readonly text: string;
}

/** Called for each new line; undefined when the container has ended. */
export type LogListener = (line: LogLine | undefined) => void;

interface ContainerLog {
  readonly lines: LogLine[];
  readonly listeners: Set<LogListener>;
  hasEnded: boolean;
}

/** Lines kept per container; older ones are forgotten. */
const MAX_LINES = 50_000;

/** Logs of all pods, by namespace, pod and container. */
export class PodLogs {
  readonly #logs = new Map<string, ContainerLog>();

  constructor(private readonly now: () => Date) {}

  /** Adds one line and hands it to the followers in the same turn. */
  append(namespace: string, pod: string, container: string, text: string): void {
    const log = this.#log(namespace, pod, container);
    const line = { time: this.now(), text };
    log.lines.push(line);
    if (log.lines.length > MAX_LINES) log.lines.shift();
    for (const listener of [...log.listeners]) listener(line);
  }

  lines(namespace: string, pod: string, container: string): readonly LogLine[] {
    return this.#logs.get(keyOf(namespace, pod, container))?.lines ?? [];
  }

  /** True when no more lines will come. */
  hasEnded(namespace: string, pod: string, container: string): boolean {
    return this.#log(namespace, pod, container).hasEnded;
  }

  /** Calls the listener for later lines until the returned function is called. */
  follow(namespace: string, pod: string, container: string, listener: LogListener): () => void {
    const { listeners } = this.#log(namespace, pod, container);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /** Ends the containers of a pod: followers are told, the lines stay. */
  end(namespace: string, pod: string): void {
    for (const log of this.#ofPod(namespace, pod)) {
      log.hasEnded = true;
      for (const listener of [...log.listeners]) listener(undefined);
    }
  }

  /** Ends and forgets the logs of a pod that is gone. */
  remove(namespace: string, pod: string): void {
    this.end(namespace, pod);
    for (const key of [...this.#logs.keys()]) {
      if (key.startsWith(`${namespace}/${pod}/`)) this.#logs.delete(key);
    }
  }

  #ofPod(namespace: string, pod: string): ContainerLog[] {
    return [...this.#logs]
      .filter(([key]) => key.startsWith(`${namespace}/${pod}/`))
      .map(([, log]) => log);
  }

  #log(namespace: string, pod: string, container: string): ContainerLog {
    const key = keyOf(namespace, pod, container);
    const existing = this.#logs.get(key);
    if (existing !== undefined) return existing;
    const created: ContainerLog = { lines: [], listeners: new Set(), hasEnded: false };
    this.#logs.set(key, created);
    return created;
  }
}

function keyOf(namespace: string, pod: string, container: string): string {
  return `${namespace}/${pod}/${container}`;
}
