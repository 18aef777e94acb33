/**
 * A program: sends something on 50,000 streams one after another through one writer, and prints how many
 * bytes had outlived collections of the young generation at most. In a process of its own, as the test
 * runner keeps what is asynchronous. Run with `--expose-gc`.
 */
import { getHeapSpaceStatistics } from 'node:v8';
import { FairWriter } from '../../../shared/protocol/fair-writer.js';
import { streamMaker } from './stream-maker.js';

const STREAMS = 50_000;
const AT_ONCE = 16;

const writer = new FairWriter(
  { send: (_, onSent) => setImmediate(onSent) },
  () => true,
  () => performance.now(),
);
const streamOf = streamMaker(writer);

const { gc } = globalThis;
if (gc === undefined) throw new Error('run with --expose-gc');
await pass();
gc(); // what the start has left would hide growth when it is collected
// what the writer has is old from now on: if it led from one stream to the next, all of them would stay
for (let i = 0; i < 3; i++) gc({ type: 'minor' });
const before = oldSpaceBytes();
let most = before;
for (let i = 0; i < STREAMS / AT_ONCE; i++) {
  await pass();
  most = Math.max(most, oldSpaceBytes());
}
process.stdout.write(String(most - before));

async function pass(): Promise<void> {
  for (let id = 1; id < 2 * AT_ONCE; id += 2) streamOf(id).write(Buffer.alloc(16));
  await new Promise((resolve) => setImmediate(resolve));
}

function oldSpaceBytes(): number {
  const old = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return old?.space_used_size ?? 0;
}
