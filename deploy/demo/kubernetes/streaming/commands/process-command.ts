/**
 * Runs a command as a real process of the demo machine. Only with the option `allowProcesses`, which
 * tests set. There is no pseudo terminal: a command gets pipes, whatever the caller has.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { CommandIo, CommandResult } from '../command-io.js';

/** Exit code for a command that does not exist, as shells and container runtimes give it. */
const NOT_FOUND = 127;

/** Runs a process in a folder until it exits; kills it when the caller leaves. */
export async function runProcess(
  command: readonly string[],
  folder: string,
  io: CommandIo,
): Promise<CommandResult> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  io.signal.addEventListener('abort', kill, { once: true });
  child.stdin.on('error', () => undefined); // it need not read its input
  if (io.stdin === undefined) child.stdin.end();
  else io.stdin.pipe(child.stdin);
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(NOT_FOUND));
    child.once('exit', (code) => resolve(code ?? 137)); // 128 + SIGKILL
  });
  try {
    const [code] = await Promise.all([
      exited,
      copy(child.stdout, (bytes) => io.writeOut(bytes)),
      copy(child.stderr, (bytes) => io.writeErr(bytes)),
    ]);
    if (code === NOT_FOUND && child.pid === undefined) {
      await io.writeErr(Buffer.from(`exec: "${file}": executable file not found in $PATH\n`));
    }
    return { kind: 'exited', code };
  } finally {
    io.signal.removeEventListener('abort', kill);
    io.stdin?.unpipe(child.stdin);
    io.stdin?.resume(); // input that comes too late is dropped
  }
}

/** Hands on output as it comes; waits whenever the caller is slow. */
async function copy(source: Readable, write: (bytes: Buffer) => Promise<void>): Promise<void> {
  // The pipe has no encoding set, so its chunks are buffers.
  for await (const chunk of source) await write(chunk as Buffer);
}
