/** Counts what is open on a demo server, so that tests can see that nothing is left over. */

/** Kinds of long-lived exchanges. */
export type StreamKind = 'watches' | 'logFollows' | 'upgrades';

/** Counters of long-lived exchanges. */
export class OpenStreams {
  readonly #counts: Record<StreamKind, number> = { watches: 0, logFollows: 0, upgrades: 0 };

  count(kind: StreamKind): number {
    return this.#counts[kind];
  }

  /** Counts one more until the returned function is called; calling it twice is safe. */
  open(kind: StreamKind): () => void {
    this.#counts[kind] += 1;
    let isOpen = true;
    return () => {
      if (isOpen) this.#counts[kind] -= 1;
      isOpen = false;
    };
  }
}
