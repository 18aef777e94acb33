/**
 * When a goal counts as met, missed, out of reach, or not judged.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { atLeast, atMost, below, judge } from './verdict.js';
import type { Goal, Verdict } from './verdict.js';

interface Case {
  readonly goal: Goal;
  readonly values: readonly number[];
  readonly limit?: readonly number[];
  readonly verdict: Verdict;
  readonly note?: string;
}

const RATE = atLeast(400, 'MiB/s');
const LATENCY = atMost(0.25, 'ms');
const P99 = below(10, 'ms');

const CASES: Readonly<Record<string, Case>> = {
  'a rate at the goal': { goal: RATE, values: [400], verdict: 'met' },
  'a rate below it': { goal: RATE, values: [399], verdict: 'not met' },
  'a rate below it that the limit reaches': {
    ...{ goal: RATE, values: [300], limit: [400] },
    verdict: 'not met',
  },
  'a rate below it that the limit does not reach': {
    ...{ goal: RATE, values: [300], limit: [370, 350, 390] },
    ...{
      verdict: 'measured limit',
      note: 'bare pipes: 370 MiB/s (350..390), of which this is 0.811 x',
    },
  },
  'a rate that reaches what its limit does not': {
    ...{ goal: RATE, values: [410], limit: [370] },
    verdict: 'met',
  },
  'a latency at the goal': { goal: LATENCY, values: [0.25], verdict: 'met' },
  'a latency above it': { goal: LATENCY, values: [0.26], verdict: 'not met' },
  'a latency above it where the least that can be had is within it': {
    ...{ goal: LATENCY, values: [0.5], limit: [0.25] },
    verdict: 'not met',
  },
  'a latency above it where the least that can be had is above it, too': {
    ...{ goal: LATENCY, values: [0.5], limit: [0.2, 0.3, 0.4] },
    ...{
      verdict: 'measured limit',
      note: 'bare pipes: 0.3 ms (0.2..0.4), of which this is 1.67 x',
    },
  },
  'a latency below what is said to be the least': {
    ...{ goal: LATENCY, values: [0.2], limit: [0.3] },
    verdict: 'met',
  },
  'a latency below a goal that it must be below': { goal: P99, values: [9.99], verdict: 'met' },
  'a latency at a goal that it must be below': {
    ...{ goal: P99, values: [10], limit: [10] },
    ...{ verdict: 'measured limit', note: 'bare pipes: 10 ms, of which this is 1 x' },
  },
  'a limit that was not measured': {
    ...{ goal: LATENCY, values: [0.5], limit: [] },
    verdict: 'not met',
  },
  'no figure': { goal: LATENCY, values: [], limit: [0.3], verdict: 'not measured' },
  'the median, not the mean': { goal: LATENCY, values: [0.1, 0.2, 9], verdict: 'met' },
};

describe('a goal', () => {
  for (const [name, { goal, values, limit, verdict, note = '' }] of Object.entries(CASES)) {
    it(`is ${verdict}: ${name}`, () => {
      const finding = judge({
        ...{ row: 1, what: 'it', goal, values },
        ...(limit && { limit: { what: 'bare pipes', values: limit } }),
      });
      assert.deepEqual([finding.verdict, finding.note], [verdict, note]);
    });
  }

  it('is shown with its figure and not judged where the run cannot answer', () => {
    for (const values of [[1.01], [1.13]]) {
      const finding = judge({
        ...{ row: 10, what: 'memory', goal: atMost(1.05, 'x'), values },
        notJudged: 'too short',
      });
      const { goal, figure, verdict, note } = finding;
      assert.deepEqual(
        { goal, figure, verdict, note },
        { goal: '<= 1.05 x', figure: `${values[0]} x`, verdict: 'not judged', note: 'too short' },
      );
    }
  });
});
