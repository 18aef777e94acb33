/**
 * Accepted connections that wait for their handshake. Many peers may come at once, as all agents of a controller
 * do after a restart, and more of them than have a handshake within the time that they wait. Served in the order
 * in which they came, each would be served just before or after it gives up, and come again: a slow machine
 * would never be done. So the newest is served first, whose peer waits longest yet, and one at a time begins: in
 * each turn of the event loop, beside the next steps of those under way.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';

/** How a queue is set up. */
export interface AcceptQueueOptions {
  /** A connection that has waited longer is closed: its peer has given up. */
  readonly maxWaitMs: number;
  readonly clock: Clock;
  /** It is the turn of a connection. */
  begin(socket: Socket): void;
}

interface Waiting {
  readonly socket: Socket;
  readonly sinceMs: number;
}

/**
 * Turns in a row in which connections are only taken out of the kernel's queue, where the oldest is first: Node
 * takes one per turn, and those behind it are newer.
 */
const MAX_ACCEPT_TURNS = 64;

/** The queue. */
export class AcceptQueue {
  readonly #options: AcceptQueueOptions;
  /** Oldest first. */
  readonly #waiting: Waiting[] = [];
  #hasTurn = false;
  #hasGrown = false;
  #acceptTurns = 0;

  constructor(options: AcceptQueueOptions) {
    this.#options = options;
  }

  /** Takes a connection that nothing has been read from (`pauseOnConnect`). */
  add(socket: Socket): void {
    socket.on('error', () => undefined); // followed by close
    this.#waiting.push({ socket, sinceMs: this.#options.clock.monotonicMs() });
    this.#hasGrown = true;
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#hasTurn || this.#waiting.length === 0) return;
    this.#hasTurn = true;
    setImmediate(() => {
      this.#hasTurn = false;
      this.#turn();
      this.#awaitTurn();
    });
  }

  #turn(): void {
    const mayGrow = this.#hasGrown && this.#acceptTurns < MAX_ACCEPT_TURNS;
    this.#hasGrown = false;
    if (mayGrow) {
      this.#acceptTurns++;
      return;
    }
    this.#acceptTurns = 0;
    this.#closeOldest();
    this.#beginNewest();
  }

  #beginNewest(): void {
    let newest = this.#waiting.pop();
    while (newest?.socket.destroyed === true) newest = this.#waiting.pop();
    if (newest === undefined) return;
    newest.socket.read(0); // no longer paused
    this.#options.begin(newest.socket);
  }

  #closeOldest(): void {
    const { clock, maxWaitMs } = this.#options;
    const latestMs = clock.monotonicMs() - maxWaitMs;
    const kept = this.#waiting.findIndex(({ sinceMs }) => sinceMs >= latestMs);
    const closed = this.#waiting.splice(0, kept < 0 ? this.#waiting.length : kept);
    for (const { socket } of closed) socket.destroy();
  }
}
