/** A byte stream over the binary messages of a WebSocket: SPDY inside WebSocket (KEP-4006). */
import { Duplex } from 'node:stream';
import type { WebSocketConnection } from './websocket-connection.js';

/** The bytes of binary messages in both directions; ending it closes the WebSocket. */
export function webSocketDuplex(connection: WebSocketConnection): Duplex {
  const messages = connection.messages();
  return new Duplex({
    read() {
      messages.next().then(
        ({ done, value }) => this.push(done === true ? null : value.data),
        (error: unknown) => this.destroy(error instanceof Error ? error : undefined),
      );
    },
    write(chunk: Buffer, _encoding, done) {
      connection.send({ isText: false, data: chunk }).then(() => done(), done);
    },
    final(done) {
      connection.close(1000).then(() => done(), done);
    },
    destroy(error, done) {
      connection.destroy();
      done(error);
    },
  });
}
