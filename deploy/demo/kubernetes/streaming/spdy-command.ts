/**
 * exec and attach over SPDY (kubectl up to 1.29): one SPDY stream each for error, stdin, stdout,
 * stderr and resize, told apart by the header `streamtype`; remotecommand protocol v4.
 */
import type { Duplex } from 'node:stream';
import type { CommandIo, RunCommand } from './command-io.js';
import { statusOfResult } from './command-io.js';
import type { SpdyStream } from './spdy/spdy-connection.js';
import { SpdyConnection } from './spdy/spdy-connection.js';
import type { StreamSelection } from './stream-selection.js';
import { TerminalSizeTracker } from './terminal-size.js';

/** How long the client may take to open all streams (kubelet: 30 s). */
const STREAM_TIMEOUT_MS = 30_000;

/** Protocols that are spoken over SPDY, best first. */
export const SPDY_COMMAND_PROTOCOLS = ['v4.channel.k8s.io'] as const;

/** Runs a command over an upgraded connection; resolves when the connection has ended. */
export async function serveSpdyCommand(
  transport: Duplex,
  selection: StreamSelection,
  run: RunCommand,
): Promise<void> {
  const expected = ['error', ...selectedStreams(selection)];
  const streams = new Map<string, SpdyStream>();
  let wake: () => void = () => undefined;
  const connection = new SpdyConnection(transport, (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream);
    wake();
  });
  const gone = new AbortController();
  const finished = connection.run().finally(() => {
    gone.abort();
    wake();
  });
  const timer = setTimeout(() => transport.destroy(), STREAM_TIMEOUT_MS);
  while (!expected.every((type) => streams.has(type)) && !gone.signal.aborted) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  clearTimeout(timer);
  if (!gone.signal.aborted) {
    await runOnStreams(streams, selection, gone.signal, run);
    await connection.close();
  }
  await finished;
}

function selectedStreams(selection: StreamSelection): string[] {
  return [
    ...(selection.stdin ? ['stdin'] : []),
    ...(selection.stdout ? ['stdout'] : []),
    ...(selection.stderr && !selection.tty ? ['stderr'] : []),
    ...(selection.tty ? ['resize'] : []),
  ];
}

async function runOnStreams(
  streams: ReadonlyMap<string, SpdyStream>,
  selection: StreamSelection,
  signal: AbortSignal,
  run: RunCommand,
): Promise<void> {
  const sizes = new TerminalSizeTracker();
  streams.get('resize')?.input.on('data', (bytes: Buffer) => sizes.push(bytes));
  signal.addEventListener('abort', () => sizes.close(), { once: true });
  const stdout = streams.get('stdout');
  const io: CommandIo = {
    stdin: streams.get('stdin')?.input,
    isTerminal: selection.tty,
    writeOut: async (bytes) => stdout?.write(bytes),
    writeErr: async (bytes) => (streams.get('stderr') ?? stdout)?.write(bytes),
    terminalSize: () => sizes.size,
    firstTerminalSize: () => sizes.first(),
    signal,
  };
  const result = await run(io);
  const error = streams.get('error');
  await error?.write(Buffer.from(JSON.stringify(statusOfResult(result))));
  for (const type of ['error', 'stdout', 'stderr']) await streams.get(type)?.end();
}
