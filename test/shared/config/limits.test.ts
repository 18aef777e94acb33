import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLimits, limitsSchema } from '../../../shared/config/limits.js';

const faults = (limits: object) =>
  (limitsSchema.safeParse(limits).error?.issues ?? []).map(({ path }) => path.join('.'));

describe('limits', () => {
  it('may be left out', () => {
    assert.deepEqual(limitsSchema.parse(undefined), defaultLimits());
    assert.equal(defaultLimits().initialWindowBytes, 262_144);
    assert.equal(defaultLimits().targetKeepAliveMs, 4_000);
  });

  const relations: [string, object, string][] = [
    [
      'a heartbeat time-out no longer than the interval',
      { heartbeatIntervalMs: 5_000, heartbeatTimeoutMs: 5_000 },
      'heartbeatTimeoutMs',
    ],
    [
      'a first window above the largest',
      { initialWindowBytes: 2 ** 20, maxWindowBytes: 2 ** 19 },
      'maxWindowBytes',
    ],
    [
      'a window above the budget of its session',
      { sessionBufferBudgetBytes: 2 ** 23 },
      'sessionBufferBudgetBytes',
    ],
    [
      'a session budget above that of the process',
      { processBufferBudgetBytes: 2 ** 27 },
      'processBufferBudgetBytes',
    ],
    ['more streams in a session than in all', { maxStreams: 100 }, 'maxStreams'],
    ['a shortest wait above the longest', { reconnectMinMs: 20_000 }, 'reconnectMaxMs'],
  ];
  for (const [what, limits, key] of relations) {
    it(`refuses ${what}`, () => assert.deepEqual(faults(limits), [key]));
  }

  it('refuses times that no timer can wait', () => {
    assert.deepEqual(faults({ agentWaitMs: 2 ** 31 }), ['agentWaitMs']);
    assert.deepEqual(faults({ agentWaitMs: -1 }), ['agentWaitMs']);
    assert.deepEqual(faults({ agentWaitMs: 1.5 }), ['agentWaitMs']);
  });

  it('checks relations even when another option is faulty', () => {
    const found = faults({ maxStreams: 100, agentWaitMs: 'long', unknown: 1 });
    assert.deepEqual(found.sort(), ['', 'agentWaitMs', 'maxStreams']);
  });
});
