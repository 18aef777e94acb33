#!/usr/bin/env node
/**
 * The published command. The only file that reads argv and env, sees signals, and ends the process;
 * what the command line means is controller/commands/run-fairlead.ts.
 */
import { letYoungGenerationGrow } from './shared/operations/heap-settings.js'; // first
import { constants } from 'node:os';
import type { CommandIo } from './controller/commands/command-io.js';
import type { FairleadPrograms } from './controller/commands/fairlead-programs.js';
import { runFairlead } from './controller/commands/run-fairlead.js';
import { systemClock } from './shared/clock.js';
import { nodeErrorCode } from './shared/errors.js';

/** How long what is left over may keep a process that is done. */
const LEFTOVERS_MS = 2000;
/** A Ctrl-C below npm, where the demo is, comes twice: from the terminal, and handed on by npm. */
const SAME_SIGNAL_MS = 500;

const io: CommandIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: systemClock,
  interruption: () => interruptionBy(['SIGINT', 'SIGTERM'], 0),
};

const programs: FairleadPrograms = {
  controller: async (options, io) =>
    (await loaded(import('./controller/main.js'))).runController(options, io),
  agent: async (options, io) => (await loaded(import('./agent/main.js'))).runAgent(options, io),
  demo: async (options, io) => {
    // Nothing to reload there: a terminal that is closed ends it.
    const interruption = () => interruptionBy(['SIGINT', 'SIGTERM', 'SIGHUP'], SAME_SIGNAL_MS);
    return (await loaded(import('./deploy/demo/demo.js'))).runDemo(options, {
      ...io,
      interruption,
    });
  },
};

// A reader that has seen enough (`fairlead agents | head -1`) is no failure.
process.stdout.on('error', (reason) => {
  if (isTerminalGone(reason)) return;
  if (nodeErrorCode(reason) !== 'EPIPE') throw reason;
  process.exit(0);
});
process.stderr.on('error', (reason) => {
  if (!isTerminalGone(reason)) throw reason;
});

// Not process.exit(): what was written to a pipe may still be on its way.
process.exitCode = await runFairlead(process.argv.slice(2), io, programs);
// A dial whose packets are dropped would hold the process until the kernel gives it up, minutes later.
setTimeout(() => process.exit(), LEFTOVERS_MS).unref();

async function loaded<T>(module: Promise<T>): Promise<T> {
  const code = await module;
  letYoungGenerationGrow();
  return code;
}

/** Aborts at the first signal; another one that comes within `sameSignalMs` is taken for the same. */
function interruptionBy(signals: readonly NodeJS.Signals[], sameSignalMs: number): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  const interrupt = (signal: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      firstMs = systemClock.monotonicMs();
      return controller.abort();
    }
    if (systemClock.monotonicMs() - firstMs < sameSignalMs) return;
    // The second one ends the process at once, as PID 1 too: there signals do nothing by default.
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.on(signal, interrupt);
  return controller.signal;
}

/** SIGHUP, which comes with it, decides what becomes of the process. */
function isTerminalGone(reason: unknown): boolean {
  return nodeErrorCode(reason) === 'EIO';
}
