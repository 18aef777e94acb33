/**
 * Very many agents in one process: each with a name, a certificate and a session of its own, connected by
 * the code of the product. Offers a service that nobody calls.
 */
import { readFileSync } from 'node:fs';
import { X509Certificate, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { z } from 'zod';
import { connectOnce } from '../../../agent/controller-link/connect-once.js';
import type { LinkIdentity } from '../../../agent/controller-link/connect-once.js';
import { ControllerLink } from '../../../agent/controller-link/stay-connected.js';
import { certificateAuthorityFromPem } from '../../../controller/certificates/authority.js';
import { systemClock } from '../../../shared/clock.js';
import { defaultLimits } from '../../../shared/config/limits.js';
import { TunnelError } from '../../../shared/errors.js';
import { agentName } from '../../../shared/ids.js';
import { BufferBudget } from '../../../shared/protocol/buffer-budget.js';
import { RAW_SERVICE } from '../../harness/raw-agent.js';
import { waitFor } from '../../harness/wait-for.js';
import { readOptions, report } from './program-options.js';

const { port, caCertFile, caKeyFile, agents } = await readOptions(
  z.object({
    /** Of the controller. */
    port: z.number(),
    caCertFile: z.string(),
    caKeyFile: z.string(),
    agents: z.number(),
  }),
);

const CONNECT_MS = 120_000;
/** Handshakes under way at once in the beginning; after a restart they come as they may. */
const AT_ONCE = 25;

const caPem = readFileSync(caCertFile, 'utf8');
const pem = { certPem: caPem, keyPem: readFileSync(caKeyFile, 'utf8') };
const authority = certificateAuthorityFromPem(pem, systemClock);
const limits = defaultLimits();
const processBudget = new BufferBudget(limits.processBufferBudgetBytes);
const log = pino({ level: 'silent' });

const links: ControllerLink[] = [];
const start = performance.now();
for (let i = 0; i < agents; i++) {
  const link = linkOf(await identityOf(`many-${i}`));
  links.push(link);
  void link.run();
  await waitFor('sessions', () => links.length - connected() < AT_ONCE, CONNECT_MS);
}
await waitFor('all sessions', () => connected() === agents, CONNECT_MS);
report('connected', { seconds: (performance.now() - start) / 1000 });

for (;;) {
  // as often as the controller goes away and comes back
  await waitFor('a loss', () => connected() < agents / 2, 2 ** 31 - 1);
  await waitFor('all sessions', () => connected() === agents, CONNECT_MS);
  report('back', { agents });
}

function connected(): number {
  return links.filter(({ current }) => current !== undefined).length;
}

async function identityOf(name: string): Promise<LinkIdentity> {
  const { certPem, keyPem } = await authority.issue({ purpose: 'agent', agent: agentName(name) });
  return { caPem, certPem, keyPem, certificateDer: new X509Certificate(certPem).raw };
}

function linkOf(identity: LinkIdentity): ControllerLink {
  const instance = randomBytes(12).toString('base64url');
  return new ControllerLink({
    controllers: [{ host: 'localhost', port }],
    limits,
    clock: systemClock,
    log,
    connect: (address, generation, signal) =>
      connectOnce(address, {
        identity,
        useTls: true,
        serverName: undefined,
        limits,
        processBudget,
        clock: systemClock,
        version: 'bench',
        hostname: 'bench',
        instance,
        generation,
        signal,
        services: () => [RAW_SERVICE],
        annotations: () => ({}),
        onStream: (stream) => stream.reset(new TunnelError('SERVICE_NOT_OFFERED', 'nobody calls')),
        onRtt: () => undefined,
        onHandlerFault: () => undefined,
      }),
    onChange: () => undefined,
    onReconnect: () => undefined,
  });
}
