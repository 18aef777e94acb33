/** Who goes first on the one link of a session, how large a batch may be, and what a full link means. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { OutgoingMessage } from '../../../shared/protocol/batch.js';
import { FairWriter } from '../../../shared/protocol/fair-writer.js';
import { decodeBatch } from '../../../shared/protocol/frame-decoder.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import type { Frame, HeadFrame } from '../../../shared/protocol/frame.js';
import { bytesOf } from '../../harness/encoded-batch.js';
import { streamMaker } from './stream-maker.js';

const KIB = 1024;
/** What the transport may hold, and somewhat more. */
const FULL_LINK_BYTES = 512 * KIB;
/** Of a message, as LIMITS.md has it. */
const MOST_DATA_BYTES = 225 * KIB;

describe('the order of frames', () => {
  it('is that of their making, with all of one turn in one batch', async () => {
    const { writer, batches } = rig();
    writer.sendNow({ kind: 'ping', id: 1 });
    writer.sendNow(head(1));
    writer.sendNow({ kind: 'credit', stream: 3, bytes: 5 });
    assert.equal(batches.length, 0, 'more may come in this turn');
    await turn();
    assert.deepEqual(kinds(batches), [['ping', 'head', 'credit']]);
  });

  it('waits for no turn to end when there is one stream only', async () => {
    const { writer, batches } = rig({ isShared: () => false });
    let isTurnOver = false;
    setImmediate(() => (isTurnOver = true));
    writer.sendNow(head(1));
    writer.sendNow({ kind: 'credit', stream: 1, bytes: 5 });
    assert.equal(batches.length, 0, 'more may come from the same source');
    await nextTick();
    assert.deepEqual(kinds(batches), [['head', 'credit']]);
    assert.equal(isTurnOver, false);
  });

  it('waits for the turn to end when there were several before: they come together again', async () => {
    const streams = { count: 2 };
    const { writer, batches } = rig({ isShared: () => streams.count > 1 });
    writer.sendNow(head(1));
    await turn();
    streams.count = 1;
    writer.sendNow(head(3));
    await nextTick();
    assert.equal(batches.length, 1, 'others may follow');
    await turn();
    assert.equal(batches.length, 2);
    writer.sendNow(head(5));
    await nextTick();
    assert.equal(batches.length, 3, 'there was one before');
  });

  it('waits for turns that bring more heads to those that came together', async () => {
    const { writer, batches } = rig();
    for (const id of [1, 3]) writer.sendNow(head(id));
    await turn();
    assert.equal(batches.length, 0, 'the next turn may bring more');
    writer.sendNow(head(5));
    writer.sendNow({ kind: 'credit', stream: 1, bytes: 5 });
    await turn();
    assert.equal(batches.length, 0, 'it has brought one, so may the next');
    writer.sendNow({ kind: 'credit', stream: 3, bytes: 5 });
    await turn();
    assert.deepEqual(kinds(batches), [['head', 'head', 'head', 'credit', 'credit']]);
  });

  it('waits for a millisecond, however many more heads every turn brings', async () => {
    const time = { ms: 1000 };
    const { writer, batches } = rig({ nowMs: () => time.ms });
    writer.sendNow(head(1));
    for (let id = 3; batches.length === 0; id += 2) {
      assert.ok(id < 100, 'it waits for ever');
      writer.sendNow(head(id));
      await turn();
      time.ms += 0.25;
    }
    assert.equal(batches[0]?.length, 6, 'two in the first turn, and four turns');
  });

  it('waits no longer when bulk comes meanwhile', async () => {
    const { writer, stream, batches } = rig();
    for (const id of [1, 3]) writer.sendNow(head(id));
    await turn();
    writer.sendNow(head(5));
    stream(7).write(Buffer.alloc(100 * KIB));
    await turn();
    assert.deepEqual(kinds(batches)[0]?.slice(0, 3), ['head', 'head', 'head']);
  });

  it('sends heads that wait for more before the last words of a session', async () => {
    const { writer, batches } = rig();
    for (const id of [1, 3]) writer.sendNow(head(id));
    await turn();
    writer.sendLast({ kind: 'close', code: 'DRAINING', message: '', final: false });
    writer.close();
    assert.deepEqual(kinds(batches), [['head', 'head', 'close']]);
  });

  const atOnce: Record<string, (parts: ReturnType<typeof rig>) => void> = {
    'a head alone among streams that are quiet': ({ writer }) => writer.sendNow(head(1)),
    'heads in front of bulk': ({ writer, stream }) => {
      for (const id of [1, 3]) writer.sendNow(head(id));
      stream(5).write(Buffer.alloc(100 * KIB));
    },
    'heads that fill a message': ({ writer }) => {
      for (const id of [1, 3]) writer.sendNow(head(id, 5 * KIB));
    },
    'many frames that are no heads': ({ writer }) => {
      for (const stream of [1, 3, 5]) writer.sendNow({ kind: 'credit', stream, bytes: 5 });
    },
  };
  for (const [what, send] of Object.entries(atOnce)) {
    it(`sends ${what} with the turn`, async () => {
      const parts = rig();
      send(parts);
      await turn();
      assert.equal(parts.batches.length, 1);
    });
  }

  it('gathers the body of a single stream over a turn', async () => {
    const { stream, batches } = rig({ isShared: () => false });
    const one = stream(1);
    one.write(Buffer.alloc(40 * KIB));
    await nextTick();
    one.write(Buffer.alloc(40 * KIB));
    await turn();
    assert.deepEqual(dataKibs(batches), [40, 40]);
    assert.equal(batches.length, 1);
  });

  it('puts small frames before bulk that was there first', async () => {
    const { writer, stream, batches } = rig();
    stream(1).write(Buffer.alloc(100 * KIB));
    writer.sendNow({ kind: 'ping', id: 1 });
    await turn();
    assert.equal(batches[0]?.[0]?.kind, 'ping');
  });

  it('puts a stream with little to send before bulk that was there first', async () => {
    const { stream, batches } = rig();
    for (const id of [1, 3, 5]) stream(id).write(Buffer.alloc(300 * KIB));
    stream(7).write(Buffer.from('small'));
    await turn();
    assert.deepEqual(batches[0]?.[0], { kind: 'data', stream: 7, bytes: Buffer.from('small') });
  });

  it('lets a small write overtake bulk that waits for the link', async () => {
    const { stream, batches, link } = rig();
    const bulk = stream(1);
    for (let i = 0; i < 40; i++) bulk.write(Buffer.alloc(64 * KIB));
    await turn();
    const before = batches.length;
    stream(3).write(Buffer.from('small'));
    await turn();
    assert.equal(batches.length, before, 'the link is full');
    link.takeAll();
    await turn();
    assert.equal(streamsOf(batches[before])[0], 3);
  });

  it('gives bulk streams turns of 64 KiB, two in a batch', async () => {
    const { stream, batches, link } = rig();
    for (const id of [1, 3, 5]) stream(id).write(Buffer.alloc(640 * KIB));
    await drained(link);
    assert.deepEqual(new Set(dataKibs(batches)), new Set([64]));
    assert.deepEqual(batches.slice(0, 4).map(streamsOf), [
      [1, 3],
      [5, 1],
      [3, 5],
      [1, 3],
    ]);
  });

  it('gives bulk a turn in each batch, however many streams have little to send', async () => {
    const { stream, batches, link } = rig();
    stream(1).write(Buffer.alloc(640 * KIB));
    for (let id = 3; id < 403; id += 2) stream(id).write(Buffer.alloc(8 * KIB));
    await turn();
    const full = batches.filter((batch) => streamsOf(batch).length > 1);
    assert.ok(full.length > 2);
    for (const batch of full) assert.equal(streamsOf(batch).at(-1), 1);
    await drained(link);
  });

  it('takes a stream for bulk that has more than a little left when its turn comes', async () => {
    const { stream, batches } = rig();
    const [first, grown] = [stream(1), stream(3)];
    grown.write(Buffer.alloc(8 * KIB));
    grown.write(Buffer.alloc(64 * KIB));
    first.write(Buffer.alloc(64 * KIB));
    await turn();
    assert.deepEqual(runsOf(batches.flatMap(streamsOf)), [
      [3, 1],
      [1, 1],
      [3, 1],
    ]);
  });

  it('joins pieces that a turn can carry whole to one frame, and cuts none of them', async () => {
    const { stream, batches, link } = rig();
    const pieces = [64, 64, 20, 44, 30, 30, 30, 64, 1, 64, 57, 57].map((kib) => kib * KIB);
    for (const id of [1, 3, 5]) {
      const one = stream(id);
      for (const length of pieces) one.write(Buffer.alloc(length));
    }
    const sent = new Map<number, number[]>([1, 3, 5].map((id) => [id, []]));
    while ((await turn()) === undefined && batches.length > 0) {
      for (const frame of batches.splice(0).flat()) {
        assert.ok(frame.kind === 'data');
        sent.get(frame.stream)?.push(frame.bytes.length);
      }
      link.takeAll();
    }
    const joined = [64, 64, 20 + 44, 30 + 30, 30, 64, 1, 64, 57, 57].map((kib) => kib * KIB);
    for (const lengths of sent.values()) assert.deepEqual(lengths, joined);
  });

  it('fills a turn with the small pieces of a source', async () => {
    const { stream, batches, link } = rig();
    for (const one of [1, 3, 5].map((id) => stream(id)))
      for (let i = 0; i < 12; i++) one.write(Buffer.alloc(16 * KIB));
    await drained(link);
    assert.deepEqual(batches.flatMap(streamsOf), [1, 3, 5, 1, 3, 5, 1, 3, 5]);
    assert.deepEqual(new Set(dataKibs(batches)), new Set([64]));
  });

  it('takes no more than 256 pieces in a turn, however little is in them', async () => {
    const { stream, batches, link } = rig();
    for (const one of [1, 3].map((id) => stream(id))) {
      one.write(Buffer.alloc(64 * KIB));
      for (let i = 0; i < 300; i++) one.write(Buffer.of(i));
    }
    await drained(link);
    const turns = batches.flat().map((frame) => frame.kind === 'data' && frame.bytes.length);
    assert.deepEqual(batches.flatMap(streamsOf), [1, 3, 1, 3, 1, 3]);
    assert.deepEqual(turns, [64 * KIB, 64 * KIB, 256, 256, 44, 44]);
  });

  it('sends what credit allows, and the rest as one piece when more is granted', async () => {
    const { stream, batches, link } = rig();
    const one = stream(1, 70 * KIB);
    for (const kib of [64, 36]) one.write(Buffer.alloc(kib * KIB));
    await drained(link);
    assert.deepEqual(dataKibs(batches), [64, 6]);
    one.receive({ kind: 'credit', stream: 1, bytes: 100 * KIB });
    await drained(link);
    assert.deepEqual(dataKibs(batches), [64, 6, 30]);
  });

  it('keeps the end of a stream in the batch that its last data fill', async () => {
    const { stream, batches } = rig();
    const one = stream(1);
    for (const kib of [64, 36]) one.write(Buffer.alloc(kib * KIB));
    one.end();
    await turn();
    assert.deepEqual(kinds(batches), [['data', 'data', 'end']]);
  });

  it('keeps the end of a stream behind its last byte, in the same batch', async () => {
    const { stream, batches } = rig();
    const one = stream(1);
    one.write(Buffer.alloc(10));
    one.end();
    await turn();
    assert.deepEqual(kinds(batches), [['data', 'end']]);
  });

  it('sends very large heads and trailers alone', async () => {
    const { writer, stream, batches, link } = rig();
    const one = stream(1);
    writer.sendNow(head(1, 300_000));
    one.write(Buffer.alloc(64 * KIB));
    one.end(['x', 'y'.repeat(300_000)]);
    await drained(link);
    assert.deepEqual(kinds(batches), [['head'], ['data'], ['end']]);
  });

  it('never lets data overtake the head of its own stream, however many heads wait', async () => {
    const { writer, stream, batches, link } = rig();
    for (let id = 1; id < 2000; id += 2) {
      writer.sendNow(head(id, 1000));
      const one = stream(id);
      one.write(Buffer.from('body'));
      one.end();
    }
    await drained(link);
    const seen = new Map<number, string[]>();
    for (const frame of batches.flat()) {
      assert.ok('stream' in frame);
      seen.set(frame.stream, [...(seen.get(frame.stream) ?? []), frame.kind]);
    }
    assert.equal(seen.size, 1000);
    for (const [id, order] of seen)
      assert.deepEqual(order, ['head', 'data', 'end'], `stream ${id}`);
  });
});

describe('a batch', () => {
  const loads: Record<string, (parts: ReturnType<typeof rig>) => void> = {
    'many heads of usual size, and bulk': ({ writer, stream }) => {
      for (let id = 1; id < 3000; id += 2) writer.sendNow(head(id, 2000));
      for (const id of [3001, 3003]) stream(id).write(Buffer.alloc(640 * KIB));
    },
    'many heads of the largest size, and bulk': ({ writer, stream }) => {
      stream(99).write(Buffer.alloc(640 * KIB));
      for (let id = 1; id < 20; id += 2) writer.sendNow(head(id, PROTOCOL_LIMITS.maxHeadBytes));
    },
    'many ends with large trailers behind data': ({ stream }) => {
      for (let id = 1; id < 100; id += 2) {
        const one = stream(id);
        one.write(Buffer.alloc(100));
        one.end(['x', 'y'.repeat(60_000)]);
      }
    },
    'large trailers behind as much data as a message takes': ({ writer, stream }) => {
      writer.sendNow(head(99, 250 * KIB));
      const lengths = [...Array<number>(11).fill(8 * KIB), 64 * KIB, 64 * KIB];
      lengths.forEach((length, i) => {
        const one = stream(2 * i + 1);
        one.write(Buffer.alloc(length));
        one.end(['x', 'y'.repeat(19_000)]);
      });
    },
    'the largest head ahead of data with large trailers': ({ writer, stream }) => {
      writer.sendNow(head(99, PROTOCOL_LIMITS.maxHeadBytes));
      for (const id of [1, 3, 5]) {
        const one = stream(id);
        one.write(Buffer.alloc(48 * KIB));
        one.end(['x', 'y'.repeat(300_000)]);
      }
    },
    'very many small frames': ({ writer }) => {
      for (let i = 0; i < 100_000; i++) writer.sendNow({ kind: 'credit', stream: 1, bytes: 1 });
    },
    'very many resets with long texts': ({ writer }) => {
      const message = 'ü'.repeat(1000);
      for (let id = 1; id < 5000; id += 2) {
        writer.sendNow({ kind: 'reset', stream: id, code: 'X', message, retryAfterSeconds: 0 });
      }
    },
    'very many pieces of one byte': ({ stream }) => {
      for (let id = 1; id < 2000; id += 2) {
        const one = stream(id);
        for (let i = 0; i < 500; i++) one.write(Buffer.from('x'));
      }
    },
  };
  for (const [what, load] of Object.entries(loads)) {
    it(`stays below the limit of a message with ${what}`, async () => {
      const parts = rig();
      load(parts);
      await drained(parts.link);
      assert.ok(parts.link.sizes.length > 1);
      const largest = Math.max(...parts.link.sizes);
      assert.ok(largest <= PROTOCOL_LIMITS.maxBatchBytes, `${largest} bytes`);
      const areData = parts.batches.flat().every(({ kind }) => kind === 'data');
      assert.ok(!areData || largest <= MOST_DATA_BYTES, `${largest} bytes of data`);
    });
  }
});

describe('a full link', () => {
  it('takes nothing more until it has room again, and then everything in order', async () => {
    const { stream, batches, link } = rig();
    const bulk = stream(1);
    for (let i = 0; i < 40; i++) bulk.write(Buffer.alloc(64 * KIB, i));
    await turn();
    const held = link.sizes.reduce((sum, size) => sum + size, 0);
    const isFull = held > FULL_LINK_BYTES - KIB && held < FULL_LINK_BYTES + 300 * KIB;
    assert.ok(isFull, `${held} bytes`);
    await turn();
    assert.equal(
      link.sizes.reduce((sum, size) => sum + size, 0),
      held,
    );
    await drained(link);
    const bytes = Buffer.concat(
      batches.flat().map((f) => (f.kind === 'data' ? f.bytes : Buffer.of())),
    );
    assert.equal(bytes.length, 40 * 64 * KIB);
    for (let i = 0; i < 40; i++) assert.equal(bytes[i * 64 * KIB], i);
  });

  it('is full of small pieces before it is full of their bytes', async () => {
    const { stream, batches } = rig();
    const one = stream(1);
    for (let i = 0; i < 50_000; i++) one.write(Buffer.of(i));
    await turn();
    let bytes = 0;
    for (const frame of batches.flat()) bytes += frame.kind === 'data' ? frame.bytes.length : 0;
    assert.ok(bytes > 1000 && bytes < FULL_LINK_BYTES / 64 + 10_000, `${bytes} pieces of a byte`);
  });

  it('still takes the last words of a session, and the ends of streams before them', async () => {
    const { writer, stream, batches } = rig();
    const one = stream(1);
    for (let i = 0; i < 40; i++) one.write(Buffer.alloc(64 * KIB));
    await turn();
    const before = batches.length;
    writer.sendNow({ kind: 'end', stream: 3, trailers: [] });
    writer.sendLast({ kind: 'close', code: 'DRAINING', message: '', final: false });
    writer.close();
    await turn();
    assert.deepEqual(kinds(batches.slice(before)), [['end', 'close']]);
  });

  it('is not filled for a peer that is given up: then the last word goes alone', () => {
    const { writer, batches } = rig({ isFull: true });
    const message = 'x'.repeat(2000);
    for (let id = 1; id < 10_000; id += 2) {
      writer.sendNow({ kind: 'reset', stream: id, code: 'X', message, retryAfterSeconds: 0 });
    }
    const before = batches.length;
    writer.sendLast({ kind: 'close', code: 'PROTOCOL_VIOLATION', message: '', final: true });
    assert.deepEqual(kinds(batches.slice(before)), [['close']]);
  });
});

describe('a closed writer', () => {
  it('sends nothing more', async () => {
    const { writer, stream, batches } = rig();
    const one = stream(1);
    one.write(Buffer.from('x'));
    writer.sendNow({ kind: 'ping', id: 1 });
    writer.close();
    one.write(Buffer.from('y'));
    writer.sendNow({ kind: 'ping', id: 2 });
    writer.sendLast({ kind: 'ping', id: 3 });
    await turn();
    assert.deepEqual(batches, []);
    assert.equal(writer.urgentBytes, 0);
  });
});

it('a writer leads from no stream to the next, which would keep all of them in memory', () => {
  const program = fileURLToPath(new URL('passing-streams.ts', import.meta.url));
  const args = ['--expose-gc', '--import', 'tsx', program];
  const options = { encoding: 'utf8', timeout: 60_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\d+$/);
  assert.ok(Number(stdout) < 2_000_000, `${stdout} bytes kept of 50,000 streams`);
});

/** A writer over a link that takes what the test says. */
function rig({ isFull = false, isShared = (): boolean => true, nowMs = (): number => 0 } = {}) {
  const batches: Frame[][] = [];
  const link = new HeldLink(batches);
  const writer = new FairWriter(link, isShared, nowMs);
  if (isFull) {
    writer.sendNow(head(1, FULL_LINK_BYTES));
    writer.sendLast(head(3, FULL_LINK_BYTES));
  }
  return { writer, link, batches, stream: streamMaker(writer) };
}

class HeldLink {
  readonly sizes: number[] = [];
  readonly #batches: Frame[][];
  #held: (() => void)[] = [];

  constructor(batches: Frame[][]) {
    this.#batches = batches;
  }

  send(message: OutgoingMessage, onSent: () => void): void {
    const frames: Frame[] = [];
    if (message.length <= PROTOCOL_LIMITS.maxBatchBytes) {
      decodeBatch(bytesOf(message), (frame) => frames.push(frame));
    }
    this.#batches.push(frames);
    this.sizes.push(message.length);
    this.#held.push(onSent);
  }

  /** The transport has taken everything; false when there was nothing. */
  takeAll(): boolean {
    const held = this.#held;
    this.#held = [];
    for (const onSent of held) onSent();
    return held.length > 0;
  }
}

async function nextTick(): Promise<void> {
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function drained(link: HeldLink): Promise<void> {
  do await turn();
  while (link.takeAll());
}

function head(stream: number, headerBytes = 0): HeadFrame {
  const headers = headerBytes === 0 ? [] : ['x', 'y'.repeat(headerBytes - 5)];
  return { kind: 'head', stream, status: 200, reason: '', headers, ended: false };
}

function kinds(batches: readonly Frame[][]): string[][] {
  return batches.map((batch) => batch.map((frame) => frame.kind));
}

function streamsOf(batch: Frame[] | undefined): number[] {
  return (batch ?? []).map((frame) => ('stream' in frame ? frame.stream : 0));
}

/** How often in a row each stream was there. */
function runsOf(streams: readonly number[]): [stream: number, count: number][] {
  const runs: [number, number][] = [];
  for (const stream of streams) {
    const last = runs.at(-1);
    if (last?.[0] === stream) last[1]++;
    else runs.push([stream, 1]);
  }
  return runs;
}

function dataKibs(batches: readonly Frame[][]): number[] {
  return batches.flat().map((frame) => (frame.kind === 'data' ? frame.bytes.length / KIB : 0));
}
