/**
 * `fairlead agents`: shows who is connected, once or until interrupted. Watching survives a controller
 * that is away for a while; it ends when the controller refuses us.
 */
import { tunnelErrorFrom } from '../../shared/errors.js';
import type { Clock } from '../../shared/clock.js';
import { CONTROL_PATHS } from '../control-api/control-paths.js';
import { agentChanges } from './agent-changes.js';
import { agentsTable } from './agents-table.js';
import type { CommandIo } from './command-io.js';
import { ControlClient } from './control-client.js';
import type { ConnectionOptions } from './connection-options.js';
import { controlConnection } from './control-connection.js';
import { readSeenAgents, type SeenAgents } from './seen-agent.js';

/** Options of `fairlead agents`. */
export interface ShowAgentsOptions extends ConnectionOptions {
  readonly output: 'table' | 'json';
  readonly watch?: boolean | undefined;
  /** Between two looks while watching. */
  readonly intervalMs: number;
}

/** Clears the screen and puts the cursor at its top left. */
const CLEAR_SCREEN = '\u001b[H\u001b[2J';

/** Shows the agents. Throws what the control client throws. */
export async function showAgents(options: ShowAgentsOptions, io: CommandIo): Promise<void> {
  const client = new ControlClient(controlConnection(options, io));
  try {
    if (options.watch === true) await watchAgents(client, options, io);
    else showOnce(await client.getJson(CONTROL_PATHS.agentStatistics), options.output, io);
  } finally {
    client.close();
  }
}

function showOnce(statistics: unknown, output: 'table' | 'json', io: CommandIo): void {
  const seen = readSeenAgents(statistics);
  if (output === 'json') {
    io.stdout.write(`${JSON.stringify(statistics, null, 2)}\n`);
  } else if (seen.agents.length === 0) {
    io.stderr.write('no agent is connected\n');
  } else {
    io.stdout.write(agentsTable(seen));
  }
}

async function watchAgents(
  client: ControlClient,
  options: ShowAgentsOptions,
  io: CommandIo,
): Promise<void> {
  const interrupted = io.interruption();
  const show = watcherFor(options, io);
  while (!interrupted.aborted) {
    try {
      show(await client.getJson(CONTROL_PATHS.agentStatistics));
    } catch (reason) {
      const error = tunnelErrorFrom(reason);
      // Whether it is away for a moment or the first look already fails, only the user can judge.
      if (error.code !== 'CONTROL_UNREACHABLE') throw error;
      io.stderr.write(`${new Date(io.clock.now()).toISOString()} ${firstLine(error.message)}\n`);
    }
    await pause(options.intervalMs, io.clock, interrupted);
  }
}

/** What to do with each look: redraw for people, else print what changed. */
function watcherFor(
  { output, controller }: ShowAgentsOptions,
  io: CommandIo,
): (statistics: unknown) => void {
  let before: SeenAgents | undefined;
  return (statistics) => {
    const seen = readSeenAgents(statistics);
    const changes = agentChanges(before, seen);
    const isFirst = before === undefined;
    before = seen;
    if (output === 'json') {
      if (isFirst || changes.length > 0) io.stdout.write(`${JSON.stringify(statistics)}\n`);
    } else if (io.stdout.isTTY === true) {
      const title = `${controller ?? io.env['FAIRLEAD_CONTROLLER'] ?? ''}  ${new Date(seen.serverTime).toISOString()}  agents: ${seen.agents.length}  (Ctrl+C ends)`;
      io.stdout.write(`${CLEAR_SCREEN}${title}\n\n${fitted(agentsTable(seen), io.stdout.columns)}`);
    } else {
      for (const line of changes) io.stdout.write(`${line}\n`);
    }
  };
}

/** Lines cut to the width of the terminal, so that wrapping does not break the table. */
function fitted(table: string, columns: number | undefined): string {
  if (columns === undefined || columns < 1) return table;
  return table
    .split('\n')
    .map((line) => line.slice(0, columns))
    .join('\n');
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(ms, finish, true);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
