import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthChecks, type CheckResult } from '../../../shared/operations/health.js';

describe('readiness', () => {
  it('is given without checks', () => {
    assert.deepEqual(new HealthChecks().readiness(), { ready: true, checks: [] });
  });

  it('is lost when one check fails, with its reason, and comes back with it', () => {
    const health = new HealthChecks();
    let link: CheckResult = { ok: false, reason: 'not connected for 12 s' };
    health.add({ name: 'link', check: () => link });
    health.add({ name: 'listeners', check: () => ({ ok: true }) });
    assert.deepEqual(health.readiness(), {
      ready: false,
      checks: [
        { name: 'link', ok: false, reason: 'not connected for 12 s' },
        { name: 'listeners', ok: true },
      ],
    });
    link = { ok: true };
    assert.equal(health.readiness().ready, true);
  });

  it('counts a check that throws as failed', () => {
    const health = new HealthChecks();
    const broken = () => {
      throw new Error('boom');
    };
    health.add({ name: 'broken', check: broken });
    assert.deepEqual(health.readiness(), {
      ready: false,
      checks: [{ name: 'broken', ok: false, reason: 'the check itself failed: boom' }],
    });
  });

  it('no longer asks a check that was taken away', () => {
    const health = new HealthChecks();
    const remove = health.add({ name: 'x', check: () => ({ ok: false, reason: 'y' }) });
    remove();
    assert.equal(health.readiness().ready, true);
  });
});
