/** Writes to a socket and waits whenever it is full. Shared by SPDY and WebSocket connections. */
import type { Duplex } from 'node:stream';

/** The one place that writes to a transport. */
export class TransportWriter {
  /** Set while the transport is full; all writers wait for the same moment. */
  #full: Promise<void> | undefined;

  constructor(private readonly transport: Duplex) {}

  /** Writes bytes; resolves when the transport takes more or is gone. */
  async write(bytes: Buffer): Promise<void> {
    const { transport } = this;
    if (transport.destroyed || transport.writableEnded || transport.write(bytes)) return;
    this.#full ??= this.#drained();
    await this.#full;
  }

  #drained(): Promise<void> {
    const { transport } = this;
    return new Promise((resolve) => {
      const finish = () => {
        transport.off('drain', finish);
        transport.off('close', finish);
        this.#full = undefined;
        resolve();
      };
      transport.once('drain', finish);
      transport.once('close', finish);
    });
  }
}
