/** What a dial leaves behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as net from 'node:net';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dialController } from '../../../agent/controller-link/controller-dial.js';

const DIALS = 10;
/** grpc-js connects again 1 s after it began the attempt that failed. */
const LONGER_THAN_BACKOFF_MS = 1500;

it('a dial that was given up opens no further connection', async (context) => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    socket.resetAndDestroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => server.close());
  const { port } = server.address() as net.AddressInfo; // no pipe
  for (let i = 0; i < DIALS; i++) {
    const { call, destroy } = dialController({ host: '127.0.0.1', port }, undefined);
    await new Promise((resolve) => call.on('error', resolve));
    destroy();
  }
  await delay(LONGER_THAN_BACKOFF_MS); // what must not happen has no moment to wait for
  assert.equal(connections, DIALS, `${DIALS} dials opened ${connections} connections`);
});
