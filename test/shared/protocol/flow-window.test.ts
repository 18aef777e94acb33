/** Credit: what may be sent, when it is given back, when a window grows, and that its budget comes back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { BufferBudget } from '../../../shared/protocol/buffer-budget.js';
import { ReceiveWindow, SendWindow } from '../../../shared/protocol/flow-window.js';
import type { WindowSizing } from '../../../shared/protocol/flow-window.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';
import { PathRtt } from '../../../shared/protocol/path-rtt.js';
import { FakeClock } from '../../harness/fake-clock.js';

const KIB = 1024;

describe('a send window', () => {
  it('counts what is taken and granted', () => {
    const window = new SendWindow(100);
    window.take(70);
    assert.equal(window.available, 30);
    window.grant(50);
    assert.equal(window.available, 80);
  });

  it('takes credit up to the largest window and refuses more', () => {
    const window = new SendWindow(0);
    window.grant(PROTOCOL_LIMITS.maxWindowBytes);
    assert.throws(() => window.grant(1), isViolation);
  });

  it('refuses credit that would overflow in one step', () => {
    assert.throws(() => new SendWindow(0).grant(0xffffffff), isViolation);
  });
});

describe('a receive window', () => {
  it('refuses data beyond the credit it gave', () => {
    const { window } = set({ size: 100 });
    window.received(60);
    assert.throws(() => window.received(41), isViolation);
    window.received(40);
  });

  it('gives credit back once a quarter of it has been consumed', () => {
    const { window } = set({ size: 100 });
    window.received(100);
    assert.equal(window.consumed(24), 0);
    assert.equal(window.consumed(1), 25);
    assert.equal(window.consumed(75), 75);
    window.received(100);
  });

  it('grows twofold when it empties within two round trips and its reader keeps up', () => {
    const { window, clock, budget } = set({ size: 100, rttMs: 50 });
    assert.equal(turn(window, clock, 100), 200, 'what was taken and as much again');
    assert.equal(window.size, 200);
    assert.equal(budget.reserved, 200);
    window.received(200);
  });

  it('does not grow when it empties slowly', () => {
    const { window, clock } = set({ size: 100, rttMs: 50 });
    assert.equal(turn(window, clock, 101), 100);
    assert.equal(window.size, 100);
  });

  it('measures from the first byte on: how long the answer took to begin says nothing of the path', () => {
    const { window, clock } = set({ size: 100, rttMs: 50 });
    clock.advance(60_000);
    assert.equal(turn(window, clock, 80), 200);
  });

  it('leaves out what came with the first byte, as messages come whole', () => {
    const { window, clock } = set({ size: 100, rttMs: 30 });
    const comes = (bytes: number): number => {
      window.received(bytes);
      return window.consumed(bytes);
    };
    assert.equal(comes(20) + comes(30), 50);
    clock.advance(52);
    assert.equal(comes(50), 50, 'half a window in 52 ms is none in 60');
    assert.equal(window.size, 100);
  });

  it('grows when the first window comes all at once over a long path', () => {
    const { window } = set({ size: 100, rttMs: 50 });
    window.received(100);
    assert.equal(window.consumed(100), 200);
  });

  it('measures each emptying by itself, so that a slow one does not count for ever', () => {
    const { window, clock } = set({ size: 100, rttMs: 50 });
    assert.equal(turn(window, clock, 60_000), 100);
    assert.equal(turn(window, clock, 80), 200);
  });

  it('does not grow while the round trip is unknown', () => {
    const { window, clock } = set({ size: 100, rttMs: undefined });
    assert.equal(turn(window, clock, 20), 100);
  });

  it('does not grow while its reader is behind', () => {
    const { window, clock } = set({ size: 100, rttMs: 1000 });
    window.received(100);
    clock.advance(20);
    for (const bytes of [25, 25, 25]) {
      const credit = window.consumed(bytes);
      assert.equal(credit, 25);
      window.received(credit);
    }
    // a whole window has been consumed, with more than half of it waiting again
    window.consumed(24);
    assert.equal(window.consumed(1), 25);
    assert.equal(window.size, 100);
  });

  it('grows to the limit and no further', () => {
    const { window, clock } = set({ size: 100, rttMs: 50, maxWindowBytes: 350 });
    assert.equal(turn(window, clock, 20), 200);
    assert.equal(turn(window, clock, 20), 350);
    assert.equal(turn(window, clock, 20), 350);
    assert.equal(window.size, 350);
  });

  it('grows fourfold up to what a stream of the session has reached before', () => {
    const { window, clock, budget, sizing } = set({ size: 100, rttMs: 50, maxWindowBytes: 800 });
    for (const size of [200, 400, 800]) assert.equal(turn(window, clock, 20), size);
    window.close();
    assert.equal(budget.reserve(100), true);
    const next = new ReceiveWindow(100, sizing);
    assert.equal(turn(next, clock, 101), 100, 'not while it is slow');
    for (const size of [400, 800, 800]) assert.equal(turn(next, clock, 20), size);
  });

  it('doubles when the budget has no room for what was reached', () => {
    const { window, clock, sizing } = set({ size: 100, rttMs: 50, budgetBytes: 799 });
    sizing.reachedBytes = 800;
    assert.equal(turn(window, clock, 20), 200);
  });

  it('does not grow beyond half of the budget', () => {
    const { window, clock, budget } = set({ size: 100, rttMs: 50, budgetBytes: 399 });
    assert.equal(turn(window, clock, 20), 100);
    assert.equal(budget.reserved, 100);
  });

  it('does not take what comes at once after a pause of the process for a fast path', () => {
    const { window, clock } = set({ size: 100, rttMs: 1 });
    for (let i = 0; i < 10; i++) {
      assert.equal(turn(window, clock, 12), 100);
      assert.equal(turn(window, clock, 0), 100);
    }
  });

  it('measures a long path by a round trip of it, so that an upload grows with its first window', () => {
    const { window, clock } = set({ size: 100, rttMs: 50 });
    assert.equal(turn(window, clock, 2), 200);
  });

  it('gives a stream what processes take for a turn, even if the path is shorter', () => {
    const { window, clock } = set({ size: 256 * KIB, rttMs: 0.1 });
    for (let i = 0; i < 5; i++) assert.equal(turn(window, clock, 4), (i < 4 ? 256 : 512) * KIB);
  });

  it('gives one beside newcomers what the path takes, for a second after the last', () => {
    const { window, clock, sizing } = set({ size: 256 * KIB, rttMs: 0.1 });
    sizing.openedStreams++;
    for (let i = 0; i < 250; i++) assert.equal(turn(window, clock, 4), 256 * KIB, `window ${i}`);
    for (let i = 0; i < 10; i++) turn(window, clock, 4);
    assert.ok(window.size > 256 * KIB);
  });

  it('lets a window that began small grow beside newcomers, to what is no delay', () => {
    const { window, clock, sizing } = set({ size: 8 * KIB, rttMs: 0.1 });
    for (let i = 0; i < 100; i++) {
      sizing.openedStreams++;
      turn(window, clock, 4);
    }
    assert.equal(window.size, 256 * KIB);
  });

  it('shrinks beside newcomers while it takes more than four round trips', () => {
    const { window, clock, sizing, budget } = set({ size: 256 * KIB, rttMs: 30 });
    for (const size of [512, 1024]) assert.equal(turn(window, clock, 20), size * KIB);
    const sizes = Array.from({ length: 6 }, (_, i) => {
      if (i % 3 === 0) sizing.openedStreams++; // some requests a second are enough
      window.received(window.size);
      clock.advance(130);
      let credit = 0;
      const { size } = window;
      for (let share = 0; share < 4; share++) credit += window.consumed(size / 4);
      assert.equal(credit, window.size, 'all of it is the credit of the peer again');
      assert.equal(budget.reserved, window.size);
      return window.size / KIB;
    });
    assert.deepEqual(sizes, [768, 576, 432, 324, 256, 256]);
  });

  it('does not shrink for a pause of its source while nobody else asks for something', () => {
    const { window, clock, sizing } = set({ size: 256 * KIB, rttMs: 30 });
    assert.equal(turn(window, clock, 20), 512 * KIB);
    sizing.openedStreams++;
    assert.equal(turn(window, clock, 119), 512 * KIB, 'the path takes it');
    assert.equal(turn(window, clock, 60_000), 512 * KIB);
  });

  it('never has more credit outstanding than its size, nor too little to go on', () => {
    const initial = 8 * KIB + 1;
    const { window, clock, sizing, budget } = set({ size: initial, rttMs: 30 });
    let credit = initial;
    let state = 7;
    let largest = 0;
    let hasShrunk = false;
    for (let i = 0; i < 50_000; i++) {
      state = (state * 1103515245 + 12345) % 2147483648;
      const isSlow = i > 20_000;
      if (isSlow) sizing.openedStreams++;
      const bytes = Math.min(credit, state % (64 * KIB));
      window.received(bytes);
      credit -= bytes;
      clock.advance(state % (isSlow ? 100 : 3));
      credit += window.consumed(Math.min(window.buffered, state % (57 * KIB)));
      assert.ok(credit + window.buffered <= window.size, `turn ${i}`);
      assert.equal(budget.reserved, window.size);
      hasShrunk ||= window.size < largest;
      largest = Math.max(largest, window.size);
    }
    assert.ok(largest > 256 * KIB, 'it has grown');
    assert.ok(hasShrunk, 'it has shrunk');
    credit += window.consumed(window.buffered);
    assert.ok(credit > (window.size * 3) / 4, `${credit} of ${window.size}`);
  });

  it('does not take the queue that it fills itself for a longer path', () => {
    const { most, queueMs } = bulkForMinutes({ pathMs: 1, bytesPerMs: 100_000 });
    assert.ok(queueMs < 4, `${queueMs} ms of queue, window ${most}`);
  });

  it('grows to what a long path takes, and stays there', () => {
    const [pathMs, bytesPerMs] = [20, 100_000];
    const { least, most } = bulkForMinutes({ pathMs, bytesPerMs });
    assert.ok(least >= pathMs * bytesPerMs, `window ${least}`);
    assert.ok(most < 6 * pathMs * bytesPerMs, `window ${most}`);
  });
});

/**
 * Five minutes of a download beside small requests over a link of this rate, with a heartbeat every second that waits
 * behind what is on its way. Returns the sizes of the window in the last minute, and the queue on the link.
 */
function bulkForMinutes({ pathMs, bytesPerMs }: { pathMs: number; bytesPerMs: number }) {
  const rtt = new PathRtt();
  rtt.add(pathMs, 0); // before there was a stream
  const size = 256 * KIB;
  const { maxWindowBytes } = PROTOCOL_LIMITS;
  const { window, clock, sizing } = set({ size, rttMs: () => rtt.ms, maxWindowBytes });
  let queued = size;
  let [least, most] = [Infinity, 0];
  const credits: { at: number; bytes: number }[] = [];
  for (let ms = 1; ms <= 5 * 60_000; ms++) {
    clock.advance(1);
    sizing.openedStreams++;
    while ((credits[0]?.at ?? Infinity) <= ms) queued += credits.shift()?.bytes ?? 0;
    const arrived = Math.min(queued, bytesPerMs);
    queued -= arrived;
    window.received(arrived);
    const bytes = window.consumed(arrived);
    if (bytes > 0) credits.push({ at: ms + pathMs, bytes });
    if (ms % 1000 === 0) rtt.add(pathMs + queued / bytesPerMs, ms);
    if (ms > 4 * 60_000)
      [least, most] = [Math.min(least, window.size), Math.max(most, window.size)];
  }
  return { least, most, queueMs: queued / bytesPerMs };
}

describe('the budget of a receive window', () => {
  it('comes back whole when the stream ends and everything was read', () => {
    const { window, clock, budget } = set({ size: 100, rttMs: 50 });
    turn(window, clock, 20);
    window.close();
    assert.equal(budget.reserved, 0);
    window.close();
    window.discard();
    assert.equal(budget.reserved, 0, 'twice is safe');
  });

  it('stays for bytes that still wait for their reader, and follows as they are read', () => {
    const { window, budget } = set({ size: 100 });
    window.received(80);
    window.close();
    assert.equal(budget.reserved, 80);
    assert.equal(window.consumed(30), 0, 'no credit after the end');
    assert.equal(budget.reserved, 50);
    window.consumed(50);
    assert.equal(budget.reserved, 0);
  });

  it('comes back at once when the reader is gone, and late reports change nothing', () => {
    const { window, budget } = set({ size: 100 });
    window.received(80);
    window.discard();
    assert.equal(budget.reserved, 0);
    window.consumed(80);
    assert.equal(budget.reserved, 0);
    assert.equal(window.buffered, 0);
  });

  it('is not touched by a window of no size', () => {
    const { window, budget } = set({ size: 0 });
    assert.throws(() => window.received(1), isViolation);
    assert.equal(window.consumed(0), 0);
    window.close();
    assert.equal(budget.reserved, 0);
  });
});

interface Setting {
  readonly size: number;
  readonly rttMs?: number | (() => number | undefined) | undefined;
  readonly maxWindowBytes?: number;
  readonly budgetBytes?: number;
}

function set({
  size,
  rttMs,
  maxWindowBytes = 16 * KIB * KIB,
  budgetBytes = 64 * KIB * KIB,
}: Setting) {
  const clock = new FakeClock();
  const budget = new BufferBudget(budgetBytes);
  assert.equal(budget.reserve(size), true);
  const sizing: WindowSizing = {
    maxWindowBytes,
    budget,
    rttMs: typeof rttMs === 'function' ? rttMs : () => rttMs,
    nowMs: () => clock.monotonicMs(),
    reachedBytes: 0,
    openedStreams: 0,
  };
  const window = new ReceiveWindow(size, sizing);
  return { window, clock, budget, sizing };
}

/** A whole window arrives and is read `ms` later; the credit that this gives. */
function turn(window: ReceiveWindow, clock: FakeClock, ms: number): number {
  const { size } = window;
  window.received(size);
  clock.advance(ms);
  return window.consumed(size);
}

function isViolation(reason: unknown): boolean {
  return reason instanceof TunnelError && reason.code === 'PROTOCOL_VIOLATION';
}
