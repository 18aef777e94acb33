/**
 * One end of the plainest tunnel there can be in Node: bytes piped between plain TCP and TLS, a TLS
 * connection for each caller, nothing parsed. What two processes and TLS between them cost at the least, given
 * Fairlead's cipher and heap settings; the allocator is Node's own.
 */
import * as net from 'node:net';
import type { Socket } from 'node:net';
import * as tls from 'node:tls';
import { z } from 'zod';
import { SERVER_CIPHERS as ciphers } from '../../../shared/http/server-context.js';
import { letYoungGenerationGrow } from '../../../shared/operations/heap-settings.js';
import { portOf, readOptions, report } from './program-options.js';

const { role, toPort, ca, cert, key } = await readOptions(
  z.object({
    /** `near` takes plain callers and speaks TLS to `far`, which speaks plain to the target. */
    role: z.enum(['near', 'far']),
    toPort: z.number(),
    ca: z.string(),
    cert: z.string(),
    key: z.string(),
  }),
);
letYoungGenerationGrow();

const to = { port: toPort, host: '127.0.0.1', noDelay: true };
const server =
  role === 'near'
    ? net.createServer({ noDelay: true }, (caller) =>
        join(caller, tls.connect({ ...to, ca, servername: 'localhost' })),
      )
    : tls.createServer({ cert, key, ciphers, noDelay: true }, (near) =>
        join(near, net.connect(to)),
      );
server.listen(0, '127.0.0.1', 1024, () => report('ready', { port: portOf(server) }));

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  one.on('error', () => other.destroy());
  other.on('error', () => one.destroy());
}
