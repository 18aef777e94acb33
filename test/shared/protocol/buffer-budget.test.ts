/** What peers may make a process hold, in total. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLimits } from '../../../shared/config/limits.js';
import { BufferBudget } from '../../../shared/protocol/buffer-budget.js';

const KIB = 1024;

describe('a budget', () => {
  it('gives until it is spent, and takes back', () => {
    const budget = new BufferBudget(100);
    assert.equal(budget.reserve(60), true);
    assert.equal(budget.reserve(41), false);
    assert.equal(budget.reserved, 60, 'a refusal takes nothing');
    assert.equal(budget.reserve(40), true);
    budget.release(100);
    assert.equal(budget.reserved, 0);
  });

  it("is bounded by its parent's, and a refusal of the parent takes nothing here", () => {
    const process = new BufferBudget(100);
    const one = new BufferBudget(80, process);
    const other = new BufferBudget(80, process);
    assert.equal(one.reserve(80), true);
    assert.equal(other.reserve(21), false);
    assert.deepEqual([one.reserved, other.reserved, process.reserved], [80, 0, 80]);
    assert.equal(other.reserve(20), true);
    one.release(80);
    assert.deepEqual([one.reserved, process.reserved], [0, 20]);
  });

  const tiers: readonly (readonly [string, number, number, number])[] = [
    ['while less than a quarter is taken, all that is wanted', 0, 256 * KIB, 256 * KIB],
    ['just below a quarter', 249, 256 * KIB, 256 * KIB],
    ['from a quarter', 250, 256 * KIB, 64 * KIB],
    ['just below half', 499, 256 * KIB, 64 * KIB],
    ['from half', 500, 256 * KIB, 16 * KIB],
    ['just below three quarters', 749, 256 * KIB, 16 * KIB],
    ['from three quarters', 750, 256 * KIB, 8 * KIB],
    ['no more than wanted', 500, 4 * KIB, 4 * KIB],
    ['none when it is spent', 1000, 256 * KIB, 0],
  ];
  for (const [what, takenShare, wanted, given] of tiers) {
    it(`gives a new stream ${given} bytes: ${what}`, () => {
      const budget = new BufferBudget(4000 * KIB);
      assert.equal(budget.reserve(takenShare * 4 * KIB), true);
      assert.equal(budget.reserveWindow(wanted), given);
      assert.equal(budget.reserved, takenShare * 4 * KIB + given);
    });
  }

  it('has room for more than 10,000 quiet streams of a session by default', () => {
    const { sessionBufferBudgetBytes, initialWindowBytes } = defaultLimits();
    const budget = new BufferBudget(sessionBufferBudgetBytes);
    let streams = 0;
    while (budget.reserveWindow(initialWindowBytes) > 0) streams++;
    assert.ok(streams > 13_000, `${streams} streams`);
  });

  it("looks at its parent's share too", () => {
    const process = new BufferBudget(4000 * KIB);
    const quiet = new BufferBudget(4000 * KIB, process);
    process.reserve(2000 * KIB);
    assert.equal(quiet.reserveWindow(256 * KIB), 16 * KIB);
  });

  it('keeps half of itself from windows that grow, so that new streams are never refused for them', () => {
    const process = new BufferBudget(1000);
    const session = new BufferBudget(600, process);
    assert.equal(session.reserveGrowth(300), true);
    assert.equal(session.reserveGrowth(1), false, 'half of the session');
    const other = new BufferBudget(1000, process);
    assert.equal(other.reserveGrowth(200), true);
    assert.equal(other.reserveGrowth(1), false, 'half of the process');
    assert.equal(session.reserve(300), true, 'streams still open');
  });
});
