/**
 * What changed between two looks at the connected agents, as lines for a log; `fairlead agents --watch`
 * prints them when nobody is looking at a terminal.
 */
import { ageText } from './agents-table.js';
import type { SeenAgent, SeenAgents } from './seen-agent.js';

/** One line per session that came, went, or changed its state or services; without line ends. */
export function agentChanges(before: SeenAgents | undefined, now: SeenAgents): string[] {
  const at = new Date(now.serverTime).toISOString();
  const old = new Map(before?.agents.map((agent) => [agent.session, agent]));
  const lines: string[] = [];
  for (const agent of now.agents) {
    const known = old.get(agent.session);
    old.delete(agent.session);
    if (known === undefined) lines.push(`${at} connected ${describe(agent)}`);
    else if (summary(known) !== summary(agent)) lines.push(`${at} changed ${describe(agent)}`);
  }
  for (const gone of old.values()) {
    const age =
      gone.connectedAt === undefined ? '' : ` after ${ageText(now.serverTime - gone.connectedAt)}`;
    lines.push(`${at} disconnected ${gone.name} ${gone.session}${age}`);
  }
  return lines;
}

function describe(agent: SeenAgent): string {
  return `${agent.name} ${agent.session} ${summary(agent)} version=${agent.version} host=${agent.hostname} remote=${agent.remoteAddress}`;
}

function summary(agent: SeenAgent): string {
  return `state=${agent.state || 'serving'} services=${agent.services.join(',') || 'none'}`;
}
