/** attach: the container's log as it grows, and stdin as further lines of it. */
import type { PodLogs } from '../../store/pod-logs.js';
import type { CommandIo, CommandResult } from '../command-io.js';
import { LineReader } from './line-reader.js';

/** The container that is attached to. */
export interface AttachedContainer {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** Shows new log lines until the container ends or the caller leaves. */
export async function attachToLog(
  logs: PodLogs,
  place: AttachedContainer,
  io: CommandIo,
): Promise<CommandResult> {
  const { namespace, pod, container } = place;
  if (logs.hasEnded(namespace, pod, container)) return { kind: 'exited', code: 0 };
  await new Promise<void>((end) => {
    const unfollow = logs.follow(namespace, pod, container, (line) => {
      if (line === undefined) end();
      else io.writeOut(Buffer.from(`${line.text}\n`)).catch(() => end());
    });
    io.signal.addEventListener(
      'abort',
      () => {
        unfollow();
        end();
      },
      { once: true },
    );
    appendInput(logs, place, io).catch(() => end());
  });
  return { kind: 'exited', code: 0 };
}

async function appendInput(logs: PodLogs, place: AttachedContainer, io: CommandIo): Promise<void> {
  if (io.stdin === undefined) return;
  const lines = new LineReader(io.stdin, undefined);
  for (;;) {
    const line = await lines.next();
    if (line === undefined) return;
    logs.append(place.namespace, place.pod, place.container, line);
  }
}
