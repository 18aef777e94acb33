#!/usr/bin/env node
/**
 * The published command. The only file that reads argv and env, sees signals, and ends the process;
 * what the command line means is controller/commands/run-fairlead.ts.
 */
import { constants } from 'node:os';
import type { CommandIo } from './controller/commands/command-io.js';
import type { FairleadPrograms } from './controller/commands/fairlead-programs.js';
import { runFairlead } from './controller/commands/run-fairlead.js';
import { systemClock } from './shared/clock.js';
import { nodeErrorCode } from './shared/errors.js';

/** How long what is left over may keep a process that is done. */
const LEFTOVERS_MS = 2000;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const io: CommandIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  clock: systemClock,
  interruption() {
    const controller = new AbortController();
    const interrupt = (signal: NodeJS.Signals): void => {
      // The second one ends the process at once, as PID 1 too: there signals do nothing by default.
      if (controller.signal.aborted) process.exit(128 + constants.signals[signal]);
      controller.abort();
    };
    for (const signal of SIGNALS) process.on(signal, interrupt);
    return controller.signal;
  },
};

const programs: FairleadPrograms = {
  controller: async (options, io) =>
    (await import('./controller/main.js')).runController(options, io),
  agent: async (options, io) => (await import('./agent/main.js')).runAgent(options, io),
  demo: async (options, io) => (await import('./deploy/demo/demo.js')).runDemo(options, io),
};

// A reader that has seen enough (`fairlead agents | head -1`) is no failure.
process.stdout.on('error', (reason) => {
  if (nodeErrorCode(reason) !== 'EPIPE') throw reason;
  process.exit(0);
});

// Not process.exit(): what was written to a pipe may still be on its way.
process.exitCode = await runFairlead(process.argv.slice(2), io, programs);
// A dial whose packets are dropped would hold the process until the kernel gives it up, minutes later.
setTimeout(() => process.exit(), LEFTOVERS_MS).unref();
