/**
 * A plain response for a request that asked for an upgrade: refusals and answers of handlers that
 * upgrade nothing go out on the same socket, which then ends. Used by both demo servers.
 */
import type { IncomingMessage } from 'node:http';
import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A response tied to the socket of an upgrade. */
export interface UpgradeResponse {
  readonly response: ServerResponse;
  /** Unties the response, so that the socket can be upgraded after all. */
  detach(): void;
}

/** Makes a response for an upgrade request; undefined when its socket is of no known kind. */
export function upgradeResponse(
  request: IncomingMessage,
  socket: Duplex,
): UpgradeResponse | undefined {
  if (!(socket instanceof Socket)) {
    socket.destroy();
    return undefined;
  }
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  socket.on('error', () => undefined); // the caller is gone
  return {
    response,
    detach: () => {
      response.detachSocket(socket);
    },
  };
}
