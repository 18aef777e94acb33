/**
 * A TCP relay between agent and controller (or any two) that does what networks do: delay, slow, stall,
 * cut, corrupt. Faults apply to connections that are open and to those to come.
 */
import * as net from 'node:net';
import { resetConnection } from '../../shared/http/reset-connection.js';

/** Faults of one direction. */
export interface Impairment {
  /** Each byte arrives this much later. */
  delayMs?: number;
  /** Bytes per second; undefined for no limit. */
  bytesPerSecond?: number | undefined;
  /** Nothing arrives any more, and nobody is told: a blackholed link. */
  isStalled?: boolean;
  /** One bit of every so many bytes is flipped. */
  corruptEvery?: number | undefined;
}

/** A relay in front of a port of this machine. */
export class LossyLink {
  /** From the dialling side. */
  readonly up: Impairment = {};
  /** To the dialling side. */
  readonly down: Impairment = {};
  /** Refuses new connections. */
  isRefusing = false;
  /** Accepts new connections and says nothing. */
  isDeaf = false;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #targetPort: number;
  #connections = 0;
  #swallowed = 0;

  static async start(targetPort: number): Promise<LossyLink> {
    const link = new LossyLink(targetPort);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) =>
      this.#relay(near),
    );
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections made so far. */
  get connections(): number {
    return this.#connections;
  }

  /** Sockets that are open: two for each connection that is passed on, one for each that is not. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Bytes that a stall has swallowed so far. */
  get swallowed(): number {
    return this.#swallowed;
  }

  /** Breaks all open connections with a reset. */
  cut(): void {
    for (const socket of this.#sockets) resetConnection(socket);
  }

  /** Both directions at once. */
  impair(impairment: Impairment): void {
    Object.assign(this.up, impairment);
    Object.assign(this.down, impairment);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(near: net.Socket): void {
    this.#connections++;
    this.#keep(near);
    if (this.isRefusing) {
      resetConnection(near);
      return;
    }
    if (this.isDeaf) {
      near.resume().on('end', () => near.destroy());
      return;
    }
    const far = net.connect({
      port: this.#targetPort,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#keep(far);
    const onSwallowed = (bytes: number): void => void (this.#swallowed += bytes);
    pump(near, far, this.up, onSwallowed);
    pump(far, near, this.down, onSwallowed);
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
  }
}

/** Bytes that may be under way: the bandwidth-delay product of a fast, long link. */
const IN_FLIGHT_BYTES = 64 * 1024 * 1024;

function pump(
  from: net.Socket,
  to: net.Socket,
  impairment: Impairment,
  onSwallowed: (bytes: number) => void,
): void {
  /** In order, as bytes on a wire; no bytes: the end. */
  const travelling: { readonly bytes: Buffer | undefined; readonly atMs: number }[] = [];
  let timer: NodeJS.Timeout | undefined;
  let inFlight = 0;
  let freeAt = 0;
  let passed = 0;
  const arrive = (bytes: Buffer): void => {
    inFlight -= bytes.length;
    if (inFlight < IN_FLIGHT_BYTES / 2) from.resume();
    if (to.destroyed || to.writableEnded) return;
    if (!to.write(bytes)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  };
  /** When what is sent now arrives, ms from now. */
  const travelMs = (bytes: number): number => {
    const { delayMs = 0, bytesPerSecond } = impairment;
    if (bytesPerSecond === undefined) return delayMs;
    const now = performance.now();
    freeAt = Math.max(now, freeAt) + (bytes / bytesPerSecond) * 1000;
    return delayMs + freeAt - now;
  };
  const deliver = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let next = travelling[0]; next !== undefined; next = travelling[0]) {
      if (next.atMs > now) {
        timer = setTimeout(deliver, next.atMs - now);
        return;
      }
      travelling.shift();
      if (next.bytes === undefined) to.end();
      else arrive(next.bytes);
    }
  };
  const depart = (bytes: Buffer | undefined): void => {
    travelling.push({ bytes, atMs: performance.now() + travelMs(bytes?.length ?? 0) });
    if (timer === undefined) deliver();
  };
  from.on('data', (bytes: Buffer) => {
    // the sender's kernel believes that it arrived
    if (impairment.isStalled === true) return onSwallowed(bytes.length);
    if (impairment.corruptEvery !== undefined) flipBits(bytes, impairment.corruptEvery, passed);
    passed += bytes.length;
    inFlight += bytes.length;
    if (inFlight > IN_FLIGHT_BYTES) from.pause();
    depart(bytes);
  });
  from.on('end', () => {
    if (impairment.isStalled !== true) depart(undefined);
  });
  from.on('close', () => {
    if (impairment.isStalled !== true) setTimeout(() => to.destroy(), travelMs(0) + 50);
  });
}

function flipBits(bytes: Buffer, every: number, passed: number): void {
  for (let i = every - (passed % every) - 1; i < bytes.length; i += every) {
    bytes[i] = (bytes[i] ?? 0) ^ 1;
  }
}
