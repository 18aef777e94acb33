/**
 * What tests of commands need: an `io` that keeps what is written, and a control API on loopback with
 * the files that clients of it are given.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { CommandIo } from '../../../controller/commands/command-io.js';
import type { FairleadPrograms } from '../../../controller/commands/fairlead-programs.js';
import { runFairlead } from '../../../controller/commands/run-fairlead.js';
import { startControlListener } from '../../../controller/control-api/control-listener.js';
import { systemClock } from '../../../shared/clock.js';
import { silentLog } from '../../../shared/log.js';
import { temporaryDirectory } from '../certificates/test-authority.js';
import { controlFixture, type ControlFixture } from '../control-api/control-fixture.js';

/** Options of the `io` of a test. */
export interface RecordedIoOptions {
  readonly env?: Record<string, string>;
  /** stdout is a terminal that wide. */
  readonly columns?: number;
}

/** An `io` that keeps texts. */
export interface RecordedIo extends CommandIo {
  out(): string;
  err(): string;
  /** As Ctrl+C. */
  interrupt(): void;
  /** Resolves when `text` has been written to either stream. */
  seen(text: string | RegExp): Promise<void>;
}

export function recordedIo({ env = {}, columns }: RecordedIoOptions = {}): RecordedIo {
  let out = '';
  let err = '';
  const waiting = new Set<() => void>();
  const wrote = (): void => waiting.forEach((check) => check());
  const abort = new AbortController();
  return {
    stdout: {
      write: (text) => {
        out += text;
        wrote();
      },
      ...(columns === undefined ? {} : { isTTY: true, columns }),
    },
    stderr: {
      write: (text) => {
        err += text;
        wrote();
      },
    },
    env,
    clock: systemClock,
    interruption: () => abort.signal,
    out: () => out,
    err: () => err,
    interrupt: () => abort.abort(),
    seen: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          const all = out + err;
          if (typeof text === 'string' ? !all.includes(text) : !text.test(all)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

/** Programs that must not be started. */
export const NO_PROGRAMS: FairleadPrograms = {
  controller: () => Promise.reject(new Error('controller started')),
  agent: () => Promise.reject(new Error('agent started')),
  demo: () => Promise.reject(new Error('demo started')),
};

/** How a command ended. */
export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command line in this process. */
export async function run(
  argv: readonly string[],
  options: RecordedIoOptions & { readonly programs?: FairleadPrograms } = {},
): Promise<CommandResult> {
  const io = recordedIo(options);
  const code = await runFairlead(argv, io, options.programs ?? NO_PROGRAMS);
  return { code, out: io.out(), err: io.err() };
}

/** A control API on loopback and the environment that leads a client to it. */
export interface ControlServer extends ControlFixture {
  readonly dir: string;
  readonly port: number;
  readonly env: Record<string, string>;
  stop(): Promise<void>;
}

/** Starts one, for the names in its server certificate; ends after the test. */
export async function startControlServer(
  t: TestContext,
  serverNames: readonly string[] = ['127.0.0.1', 'localhost'],
): Promise<ControlServer> {
  const fixture = await controlFixture();
  const pair = await fixture.authority.issueServerCertificate(serverNames);
  const listener = await startControlListener({
    port: 0,
    bindAddress: '127.0.0.1',
    secureContext: () => ({ cert: pair.certPem, key: pair.keyPem, ca: fixture.authority.caPem }),
    api: fixture.api,
    maxBodyBytes: 100_000,
    clock: systemClock,
    log: silentLog(),
  });
  t.after(() => listener.close(0));
  const dir = temporaryDirectory(t);
  const files = {
    FAIRLEAD_CA: writePem(dir, 'ca-cert.pem', fixture.authority.caPem),
    FAIRLEAD_CERT: writePem(dir, 'control-cert.pem', fixture.operatorPair.certPem),
    FAIRLEAD_KEY: writePem(dir, 'control-key.pem', fixture.operatorPair.keyPem),
  };
  const env = { FAIRLEAD_CONTROLLER: `https://127.0.0.1:${listener.port}`, ...files };
  return { ...fixture, dir, port: listener.port, env, stop: () => listener.close(0) };
}

/** Writes a PEM file and returns its path. */
export function writePem(dir: string, name: string, pem: string): string {
  const path = join(dir, name);
  writeFileSync(path, pem);
  return path;
}
