/**
 * What the processes of a contestant used while it was under load: CPU time and the peak of resident
 * memory, per role (Linux, /proc).
 */
import { cpuMs, residentMib } from '../harness/process-memory.js';
import type { Contestant, Role } from './contestant.js';

/** What one role used. */
export interface RoleUsage {
  readonly cpuMs: number;
  readonly peakMib: number;
}
export type Usage = Readonly<Partial<Record<Role, RoleUsage>>>;

export const ROLES = ['controller', 'agent'] as const satisfies readonly Role[];
const SAMPLE_MS = 50;

/** Runs `work` and tells what the contestant's processes used meanwhile. */
export async function withUsage<T>(
  { pids }: Contestant,
  work: () => Promise<T>,
): Promise<{ result: T; usage: Usage }> {
  const roles = ROLES.filter((role) => pids[role] !== undefined);
  const cpuOf = (role: Role): number => sum(pids[role], cpuMs);
  const before = roles.map(cpuOf);
  const peaks = roles.map(() => 0);
  const look = (): void =>
    roles.forEach((role, i) => (peaks[i] = Math.max(peaks[i] ?? 0, sum(pids[role], residentMib))));
  look();
  const timer = setInterval(look, SAMPLE_MS);
  try {
    const result = await work();
    look();
    const usage = Object.fromEntries(
      roles.map((role, i) => [
        role,
        { cpuMs: cpuOf(role) - (before[i] ?? 0), peakMib: peaks[i] ?? 0 },
      ]),
    );
    return { result, usage };
  } finally {
    clearInterval(timer);
  }
}

/** Resident memory of a role now, MiB. */
export function roleMib({ pids }: Contestant, role: Role): number {
  return sum(pids[role], residentMib);
}

function sum(pids: readonly number[] | undefined, of: (pid: number) => number): number {
  return (pids ?? []).reduce((total, pid) => total + of(pid), 0);
}
