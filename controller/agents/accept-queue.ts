/**
 * Accepted connections of agents that are not begun yet, as more may come than can be let in while they wait: all
 * of them after a restart. Served as they came, each would be served just before or after its agent gives up and
 * dials again, and a slow machine would never be done. So the newest is served first, whose agent has most of its
 * time left, and one begins per turn of the event loop, beside the next steps of those under way.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../shared/clock.js';

/** How a queue is set up. */
export interface AcceptQueueOptions {
  /** A connection that has waited longer is closed. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
  /** Serves a connection, which may have been left by its peer. */
  begin(socket: Socket): void;
  /** So many were closed unserved: their agents have given up, others have taken their place, or the queue closes. */
  onClosed(count: number): void;
}

interface Waiting {
  readonly socket: Socket;
  readonly sinceMs: number;
}

/** Each takes a file descriptor. */
export const MAX_WAITING = 8192;
/**
 * For how long turns in which connections come begin none. Node 20 accepts one per turn, the oldest in the kernel's
 * queue, and those behind it are newer: such turns are short, unless the process has much else to do.
 */
export const ACCEPT_MS = 50;

/** Serves the newest connection first. */
export class AcceptQueue {
  readonly #options: AcceptQueueOptions;
  /** Oldest first. */
  readonly #waiting: Waiting[] = [];
  #isScheduled = false;
  #hasGrown = false;
  /** When one began last, or the first came. */
  #begunAtMs = 0;

  constructor(options: AcceptQueueOptions) {
    this.#options = options;
  }

  /** Takes a connection that nothing has been read from (`pauseOnConnect`). */
  add(socket: Socket): void {
    socket.on('error', () => undefined); // when reading cannot start; followed by close
    const sinceMs = this.#options.clock.monotonicMs();
    if (this.#waiting.length === 0) this.#begunAtMs = sinceMs;
    this.#waiting.push({ socket, sinceMs });
    this.#hasGrown = true;
    if (this.#waiting.length > MAX_WAITING) this.#closeOldest(1);
    this.#schedule();
  }

  /** Closes all that wait. */
  close(): void {
    this.#closeOldest(this.#waiting.length);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#onTurn();
      this.#schedule();
    });
  }

  #onTurn(): void {
    const { clock, maxWaitMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const areComing = this.#hasGrown;
    this.#hasGrown = false;
    if (areComing && nowMs - this.#begunAtMs < ACCEPT_MS) return;
    this.#begunAtMs = nowMs;
    const kept = this.#waiting.findIndex(({ sinceMs }) => nowMs - sinceMs <= maxWaitMs);
    this.#closeOldest(kept < 0 ? this.#waiting.length : kept);
    this.#beginNewest();
  }

  #beginNewest(): void {
    for (let newest = this.#waiting.pop(); newest !== undefined; newest = this.#waiting.pop()) {
      const { socket } = newest;
      socket.read(0); // as net does without pauseOnConnect; HTTP/2 relies on it
      if (socket.destroyed) continue;
      this.#options.begin(socket);
      return;
    }
  }

  #closeOldest(count: number): void {
    if (count === 0) return;
    for (const { socket } of this.#waiting.splice(0, count)) socket.destroy();
    this.#options.onClosed(count);
  }
}
