/**
 * The table of `fairlead agents`: one line per session, columns as wide as their widest value.
 */
import type { SeenAgent, SeenAgents } from './seen-agent.js';

/** More services than this are counted instead of named. */
const NAMED_SERVICES = 3;

const COLUMNS: readonly { title: string; value(agent: SeenAgent, nowMs: number): string }[] = [
  { title: 'NAME', value: (agent) => agent.name },
  { title: 'SESSION', value: (agent) => agent.session },
  { title: 'STATE', value: (agent) => agent.state },
  { title: 'VERSION', value: (agent) => agent.version },
  { title: 'HOST', value: (agent) => agent.hostname },
  { title: 'REMOTE', value: (agent) => agent.remoteAddress },
  { title: 'SERVICES', value: (agent) => servicesText(agent.services) },
  { title: 'CONNECTED', value: (agent, nowMs) => ageSince(agent.connectedAt, nowMs) },
  { title: 'RTT', value: (agent) => millisecondsText(agent.rttMs) },
  { title: 'STREAMS', value: (agent) => agent.openStreams?.toString() ?? '' },
];

/** The table as text, with a line end after each line; just the titles when nobody is connected. */
export function agentsTable({ agents, serverTime }: SeenAgents): string {
  const lines = [
    COLUMNS.map((column) => column.title),
    ...agents.map((agent) => COLUMNS.map((column) => column.value(agent, serverTime) || '-')),
  ];
  const widths = COLUMNS.map((_, index) =>
    Math.max(...lines.map((cells) => cells[index]?.length ?? 0)),
  );
  return lines.map((cells) => `${aligned(cells, widths)}\n`).join('');
}

/** An age as people say it: 42s, 5m07s, 3h20m, 12d4h. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${twoDigits(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${twoDigits(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}

function aligned(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join('  ')
    .trimEnd();
}

function servicesText(services: readonly string[]): string {
  if (services.length <= NAMED_SERVICES) return services.join(',');
  const named = services.slice(0, NAMED_SERVICES - 1).join(',');
  return `${named},+${services.length - NAMED_SERVICES + 1}`;
}

/** By the controller's clock on both ends, so that a wrong clock here does not matter. */
function ageSince(sinceMs: number | undefined, nowMs: number): string {
  return sinceMs === undefined ? '' : ageText(nowMs - sinceMs);
}

function millisecondsText(ms: number | undefined): string {
  if (ms === undefined) return '';
  return ms < 10 ? `${ms.toFixed(1)}ms` : `${Math.round(ms)}ms`;
}

function twoDigits(number: number): string {
  return number.toString().padStart(2, '0');
}
