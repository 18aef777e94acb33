/**
 * Cleans up behind a demo that was killed and could not: ends its servers, removes its directory. The demo
 * starts it out of reach of the terminal's signals. Its argument is the directory, each line on stdin the
 * process id of a server; stdin ends with the demo.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** How long servers may take to end before they are killed. */
const END_TIMEOUT_MS = 5000;
const LOOK_INTERVAL_MS = 20;

const [dir] = process.argv.slice(2);
const servers: number[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line);
  if (Number.isInteger(pid) && pid > 0) servers.push(pid);
}
removeDirectory(); // the keys first, whatever else happens
for (const pid of servers) send(pid, 'SIGTERM');
for (let ms = 0; ms < END_TIMEOUT_MS && servers.some((pid) => send(pid, 0));) {
  await delay(LOOK_INTERVAL_MS);
  ms += LOOK_INTERVAL_MS;
}
for (const pid of servers) send(pid, 'SIGKILL');
removeDirectory(); // a command of the demo may have been writing

function removeDirectory(): void {
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
}

/** Sends a signal, 0 for none; false when there is no such process. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // it has ended
  }
}
