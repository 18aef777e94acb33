/** Remembers the requests that arrived at a demo server, the newest ones up to a limit. */

/** A bounded list of requests. */
export class RequestRecorder<T> {
  readonly #requests: T[] = [];

  constructor(private readonly limit: number) {}

  record(request: T): void {
    this.#requests.push(request);
    if (this.#requests.length > this.limit) this.#requests.shift();
  }

  /** Oldest first. */
  all(): readonly T[] {
    return this.#requests;
  }

  clear(): void {
    this.#requests.length = 0;
  }
}
