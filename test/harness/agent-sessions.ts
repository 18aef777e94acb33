/**
 * Which sessions a rig's controller has, asked at its control API without starting a command.
 */
import { readFileSync } from 'node:fs';
import * as https from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { FairleadRig } from './fairlead-rig.js';

/** Session ids, oldest first; those of one agent name, or all. */
export async function agentSessions(rig: FairleadRig, agent?: string): Promise<string[]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    https
      .get(
        {
          host: '127.0.0.1',
          servername: 'localhost',
          port: rig.ports.control,
          path: '/api/v1/getAgentStatistics',
          agent: false,
          ca: rig.caPem,
          cert: readFileSync(rig.path('ca', 'control-cert.pem')),
          key: readFileSync(rig.path('ca', 'control-key.pem')),
        },
        resolve,
      )
      .on('error', reject);
  });
  let text = '';
  for await (const piece of response) text += String(piece);
  const { connectedAgents } = JSON.parse(text) as {
    connectedAgents: { name: string; session: string; connectedAt: number }[];
  }; // the shape of the control API
  return connectedAgents
    .filter(({ name }) => agent === undefined || name === agent)
    .sort((one, other) => one.connectedAt - other.connectedAt)
    .map(({ session }) => session);
}

/** The one session there is. Throws when there are none or several. */
export async function onlySession(rig: FairleadRig): Promise<string> {
  const sessions = await agentSessions(rig);
  const [session] = sessions;
  if (session === undefined || sessions.length > 1) {
    throw new Error(`expected one session: ${sessions.join(', ')}`);
  }
  return session;
}
