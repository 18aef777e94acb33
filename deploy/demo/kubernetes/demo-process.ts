/**
 * What the entry files of the demo servers share: settings from stdin, the URL on stdout, an end that
 * leaves nothing behind. The only part of the demo servers that touches the process.
 */
import { createInterface } from 'node:readline';

/** A started server. */
export interface DemoServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Reads one line of JSON from stdin, starts the server and prints `{"url": …}`. Exits with 0 on
 * SIGTERM, SIGINT or the end of stdin, with 2 on settings that cannot be read, with 1 otherwise.
 */
export async function runAsProcess(
  start: (settings: Record<string, unknown>) => Promise<DemoServer>,
): Promise<void> {
  const lines = createInterface({ input: process.stdin });
  const ended = new Promise<void>((resolve) => {
    lines.once('close', resolve);
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const firstLine = new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve('{}'));
  });
  const settings = parseSettings(await firstLine);
  if (settings === undefined) {
    process.stderr.write(
      'settings of the demo server must be one JSON object on one line of stdin\n',
    );
    process.exitCode = 2;
    lines.close();
    return;
  }
  try {
    const server = await start(settings);
    process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
    await ended;
    await server.close();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
  lines.close();
  process.stdin.destroy();
}

function parseSettings(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return { ...value };
  } catch {
    return undefined; // no JSON
  }
}
