/**
 * The benchmark: every contestant in the same run and in turn, a table of goals and verdicts at the end.
 * README.md beside this file says how to run and read it.
 *
 *     npm run bench -- --quick
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../harness/temp-dir.js';
import { Arena } from './arena.js';
import { USAGE, readBenchOptions } from './bench-options.js';
import type { BenchOptions } from './bench-options.js';
import { svgOf } from './line-chart.js';
import { currentCommit, jsonReport, markdownReport, terminalReport } from './report.js';
import type { Outcome, Run } from './report.js';
import type { Row } from './row.js';
import { addedLatency } from './rows/added-latency.js';
import { bulk } from './rows/bulk.js';
import { clouddriverLoad } from './rows/clouddriver-load.js';
import { growth } from './rows/growth.js';
import { idleMemory } from './rows/idle-memory.js';
import { isolation } from './rows/isolation.js';
import { LONG_LINKS, longLink } from './rows/long-link.js';
import { manySessions } from './rows/many-sessions.js';
import { newConnections } from './rows/new-connections.js';
import { smallRequests } from './rows/small-requests.js';
import { watches } from './rows/watches.js';

const ROWS: readonly Row[] = [
  smallRequests,
  addedLatency,
  bulk,
  longLink,
  newConnections,
  isolation,
  watches,
  manySessions,
  idleMemory,
  clouddriverLoad,
  growth,
];

const options = optionsOrExit();
const build = fileURLToPath(new URL('../../build.mjs', import.meta.url));
if (spawnSync(process.execPath, [build], { stdio: 'inherit' }).status !== 0) process.exit(1);

// everything that this run and its processes put aside goes with one folder
const temp = tempDir('bench');
process.env['TMPDIR'] = temp.path;
process.once('exit', temp.remove);
const arena = await Arena.start(LONG_LINKS, tell);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    tell(`${signal}: ending all processes`);
    void arena.stop().finally(() => process.exit(130));
  });
}
process.once('uncaughtException', (reason) => {
  tell(reason.stack ?? reason.message);
  void arena.stop().finally(() => process.exit(1));
});
try {
  const run = await runRows();
  process.stdout.write(terminalReport(run));
  process.exitCode = run.outcomes.every(({ fault }) => fault === undefined) ? 0 : 1;
} finally {
  await arena.stop();
}

/** Runs the rows; files are written after each, so that a run that is broken off leaves what it has. */
async function runRows(): Promise<Run> {
  const began = { startedAt: new Date(), commit: currentCommit(), extent: options };
  const startMs = performance.now();
  const outcomes: Outcome[] = [];
  const soFar = (): Run => {
    const seconds = (performance.now() - startMs) / 1000;
    return { ...began, outcomes, seconds, missing: arena.missing };
  };
  for (const row of ROWS.filter(isWanted)) {
    outcomes.push(await outcomeOf(row));
    writeFiles(soFar(), options);
  }
  return soFar();
}

/** A row that fails is reported as such, and the others go on. */
async function outcomeOf(row: Row): Promise<Outcome> {
  const start = performance.now();
  try {
    const result = await row.run({ ...options, arena, tell });
    tell(`row ${row.number} took ${Math.round((performance.now() - start) / 1000)} s`);
    return { row, result, fault: undefined };
  } catch (reason) {
    tell(`row ${row.number} FAILED: ${reason instanceof Error ? reason.stack : String(reason)}`);
    return { row, result: undefined, fault: String(reason) };
  }
}

function isWanted({ number }: Row): boolean {
  return options.rows === undefined || options.rows.includes(number);
}

function writeFiles(run: Run, { jsonFile, markdownFile, plotsDir }: BenchOptions): void {
  if (jsonFile !== undefined) writeFileSync(jsonFile, jsonReport(run));
  if (markdownFile !== undefined) writeFileSync(markdownFile, markdownReport(run));
  if (plotsDir === undefined) return;
  mkdirSync(plotsDir, { recursive: true });
  for (const chart of run.outcomes.flatMap(({ result }) => result?.charts ?? [])) {
    writeFileSync(join(plotsDir, `${chart.name}.svg`), svgOf(chart));
  }
}

function optionsOrExit(): BenchOptions {
  try {
    return readBenchOptions(process.argv.slice(2));
  } catch (reason) {
    process.stderr.write(`${reason instanceof Error ? reason.message : String(reason)}\n${USAGE}`);
    process.exit(2);
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
