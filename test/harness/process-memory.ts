/**
 * What the kernel says of a process: resident memory and open descriptors (Linux, /proc). For tests that
 * prove that a controller or agent holds nothing it should not.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const PAGE_BYTES = 4096;
const MIB = 1024 * 1024;

/** Resident set of a process, MiB. */
export function residentMib(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return (Number(pages) * PAGE_BYTES) / MIB;
}

/** Open descriptors of a process: sockets, files, pipes. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** CPU time that a process has used, ms (clock ticks of 10 ms). */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Watches the memory of processes and keeps the largest value of each. */
export class MemoryWatch {
  readonly #pids: readonly number[];
  readonly #start: readonly number[];
  readonly #peak: number[];
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[], everyMs = 50) {
    this.#pids = pids;
    this.#start = pids.map(residentMib);
    this.#peak = [...this.#start];
    this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  /** Largest growth since the start, MiB, in the order of the processes. */
  stop(): number[] {
    this.#look();
    clearInterval(this.#timer);
    return this.#peak.map((peak, i) => peak - (this.#start[i] ?? 0));
  }

  #look(): void {
    this.#pids.forEach((pid, i) => {
      this.#peak[i] = Math.max(this.#peak[i] ?? 0, residentMib(pid));
    });
  }
}

/** Waits until the process has not used the CPU for a while: what it was going to do is done. */
export async function untilIdle(pids: readonly number[], timeoutMs = 10_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  let before = pids.map(cpuMs);
  for (let quiet = 0; quiet < 3 && performance.now() < until;) {
    await delay(100);
    const now = pids.map(cpuMs);
    const isQuiet = now.every((ms, i) => ms - (before[i] ?? 0) <= 20);
    quiet = isQuiet ? quiet + 1 : 0;
    before = now;
  }
}

/** `12.3` */
export function oneDecimal(value: number): string {
  return value.toFixed(1);
}
