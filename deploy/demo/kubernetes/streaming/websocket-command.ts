/**
 * exec and attach over WebSocket (kubectl from 1.30, most other clients): the first byte of each
 * message names the channel; protocols v5 (with half-close of stdin) and v4.
 * Source: k8s.io/apimachinery remotecommand constants, KEP-4006.
 */
import { PassThrough } from 'node:stream';
import type { CommandIo, RunCommand } from './command-io.js';
import { statusOfResult } from './command-io.js';
import type { StreamSelection } from './stream-selection.js';
import { TerminalSizeTracker } from './terminal-size.js';
import type { WebSocketConnection } from './websocket/websocket-connection.js';

/** Subprotocols of exec and attach, best first. */
export const WEBSOCKET_COMMAND_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Longest message that is sent. */
const MAX_MESSAGE_BYTES = 32 * 1024;

/** Runs a command over a WebSocket; resolves when the connection has ended. */
export async function serveWebSocketCommand(
  connection: WebSocketConnection,
  selection: StreamSelection,
  run: RunCommand,
): Promise<void> {
  const gone = new AbortController();
  const sizes = new TerminalSizeTracker();
  const stdin = new PassThrough();
  const reading = readChannels(connection, stdin, sizes).finally(() => {
    gone.abort();
    sizes.close();
    stdin.end();
  });
  const write = async (channel: number, bytes: Buffer) => {
    for (let offset = 0; offset < bytes.length; offset += MAX_MESSAGE_BYTES) {
      const part = bytes.subarray(offset, offset + MAX_MESSAGE_BYTES);
      await connection.send({ isText: false, data: Buffer.concat([Buffer.from([channel]), part]) });
    }
  };
  const errorChannel = selection.tty ? CHANNEL.stdout : CHANNEL.stderr;
  const io: CommandIo = {
    stdin: selection.stdin ? stdin : undefined,
    isTerminal: selection.tty,
    writeOut: async (bytes) => (selection.stdout ? write(CHANNEL.stdout, bytes) : undefined),
    writeErr: (bytes) => write(errorChannel, bytes),
    terminalSize: () => sizes.size,
    firstTerminalSize: () => sizes.first(),
    signal: gone.signal,
  };
  const result = await run(io);
  await write(CHANNEL.error, Buffer.from(JSON.stringify(statusOfResult(result))));
  await connection.close(1000);
  stdin.resume(); // what nobody reads must not hold up the end
  await reading;
}

async function readChannels(
  connection: WebSocketConnection,
  stdin: PassThrough,
  sizes: TerminalSizeTracker,
): Promise<void> {
  for await (const { data } of connection.messages()) {
    const payload = data.subarray(1);
    if (data[0] === CHANNEL.stdin && !stdin.writableEnded && payload.length > 0) {
      if (!stdin.write(payload)) await new Promise((resolve) => stdin.once('drain', resolve));
    } else if (data[0] === CHANNEL.resize) {
      sizes.push(payload);
    } else if (data[0] === CHANNEL.close && payload[0] === CHANNEL.stdin) {
      stdin.end();
    }
  }
}
