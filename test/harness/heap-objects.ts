/**
 * What is alive in the heap of a process, counted by class and looked at from outside: Node writes a heap
 * snapshot at a signal. For tests that prove that nothing is left behind; sees what no other count does:
 * unref'd timers, listeners, entries of maps.
 */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ChildProgram } from '../../deploy/demo/child-program.js';
import { tempDir } from './temp-dir.js';
import { waitFor } from './wait-for.js';

/** How many there are: of a class `object TunnelStream`, of a function `closure onBody`, of others `string`. */
export type HeapObjects = ReadonlyMap<string, number>;

/** Types that are counted by the names of their objects. */
const NAMED_TYPES: ReadonlySet<string> = new Set(['object', 'closure', 'native']);
/** Types that V8 makes up while it compiles and optimises; not counted. */
const COMPILED_TYPES: ReadonlySet<string> = new Set([
  'code',
  'hidden',
  'object shape',
  'synthetic',
]);

const SNAPSHOT_TIMEOUT_MS = 30_000;

/** Looks at programs that were started with its environment. */
export class HeapWatch {
  readonly #dir = tempDir('heap');

  /** For the programs to look at. */
  get env(): Record<string, string> {
    return { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${this.#dir.path}` };
  }

  /** What is alive after a full collection. The program stands still for about a second. */
  async objects(program: ChildProgram): Promise<HeapObjects> {
    program.process.kill('SIGUSR2');
    const file = await waitFor(
      'a heap snapshot',
      () => this.#written(program.pid),
      SNAPSHOT_TIMEOUT_MS,
    );
    const snapshot = JSON.parse(readFileSync(file, 'utf8')) as Snapshot; // V8's own format
    rmSync(file);
    return counted(snapshot);
  }

  stop(): void {
    this.#dir.remove();
  }

  /** The snapshot of a process, once all of it is there. */
  #written(pid: number): string | undefined {
    const name = readdirSync(this.#dir.path).find((entry) => entry.includes(`.${pid}.`));
    if (name === undefined) return undefined;
    const file = join(this.#dir.path, name);
    return isWhole(file) ? file : undefined;
  }
}

/** The end of a snapshot; within a string the quotation mark would be escaped. */
const SNAPSHOT_END = /[^\\]"\]\}$/u;
const END_BYTES = 4;

function isWhole(file: string): boolean {
  const descriptor = openSync(file, 'r');
  const end = Buffer.alloc(END_BYTES);
  readSync(descriptor, end, 0, END_BYTES, Math.max(0, fstatSync(descriptor).size - END_BYTES));
  closeSync(descriptor);
  return SNAPSHOT_END.test(end.toString('latin1'));
}

/** Classes of which there are more than before, by more than `allowed`: `object TunnelStream: 3 -> 1003`. */
export function grown(before: HeapObjects, now: HeapObjects, allowed: number): string[] {
  return [...now].flatMap(([what, count]) => {
    const was = before.get(what) ?? 0;
    return count - was > allowed ? [`${what}: ${was} -> ${count}`] : [];
  });
}

/** As far as it is needed: `nodes` are rows of numbers, as long as there are fields. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      /** Those of the first field; other fields are of no interest. */
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

function counted({ snapshot: { meta }, nodes, strings }: Snapshot): HeapObjects {
  const counts = new Map<string, number>();
  const [types] = meta.node_types;
  const nameAt = meta.node_fields.indexOf('name');
  for (let row = 0; row < nodes.length; row += meta.node_fields.length) {
    const type = types[nodes[row] ?? 0] ?? '';
    if (COMPILED_TYPES.has(type)) continue;
    const what = NAMED_TYPES.has(type)
      ? `${type} ${strings[nodes[row + nameAt] ?? 0] ?? ''}`
      : type;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}
