/** Every pair of state and event of a half: the table is the specification. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  headEvent,
  nextHalfState,
  type HalfEvent,
  type HalfState,
} from '../../../shared/protocol/stream-state.js';

const NEXT: Readonly<Record<HalfState, Readonly<Record<HalfEvent, HalfState | undefined>>>> = {
  head: { info: 'head', head: 'body', 'last-head': 'ended', data: undefined, end: undefined },
  body: { info: undefined, head: undefined, 'last-head': undefined, data: 'body', end: 'ended' },
  ended: {
    info: undefined,
    head: undefined,
    'last-head': undefined,
    data: undefined,
    end: undefined,
  },
};

describe('the state of a half', () => {
  for (const [state, row] of Object.entries(NEXT) as [HalfState, Record<HalfEvent, HalfState>][]) {
    for (const [event, next] of Object.entries(row) as [HalfEvent, HalfState | undefined][]) {
      it(`${next === undefined ? 'refuses' : 'allows'} ${event} in ${state}`, () => {
        assert.equal(nextHalfState(state, event), next);
      });
    }
  }
});

describe('a response head', () => {
  const cases: readonly [number, boolean, HalfEvent][] = [
    [100, false, 'info'],
    [100, true, 'info'],
    [103, false, 'info'],
    [199, false, 'info'],
    [101, false, 'head'],
    [101, true, 'last-head'],
    [200, false, 'head'],
    [204, true, 'last-head'],
    [999, false, 'head'],
  ];
  for (const [status, ended, event] of cases) {
    it(`with ${status}${ended ? ' and no body' : ''} is "${event}"`, () => {
      assert.equal(headEvent(status, ended), event);
    });
  }
});
