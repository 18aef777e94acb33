/** The catalogue of errors keeps its promises, and foreign errors become ours. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ERROR_KINDS,
  TunnelError,
  assertNever,
  errorText,
  isErrorCode,
  nodeErrorCode,
  tunnelErrorFrom,
} from '../../shared/errors.js';

describe('the catalogue', () => {
  for (const [code, kind] of Object.entries(ERROR_KINDS)) {
    it(`has a sound entry for ${code}`, () => {
      assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
      assert.ok(kind.status >= 400 && kind.status <= 599, 'a status of an error');
      assert.match(kind.meaning, /^[A-Z].*\.$/, 'a sentence');
      // clouddriver takes these words for an absent or a refused object
      assert.doesNotMatch(`${code} ${kind.meaning}`, /not\s?found|forbidden/i);
      assert.notEqual(kind.status, 404, '404 comes from targets only');
    });
  }

  it('keeps 403 for what a policy refuses, never for faults of the tunnel', () => {
    for (const kind of Object.values(ERROR_KINDS)) {
      if (kind.status === 403) assert.ok(['caller', 'operator'].includes(kind.hop));
    }
  });

  it('knows its codes, and nothing that objects have by nature', () => {
    assert.equal(isErrorCode('AGENT_LOST'), true);
    for (const code of ['', 'agent_lost', 'toString', '__proto__', 'constructor']) {
      assert.equal(isErrorCode(code), false, code);
    }
  });
});

describe('a TunnelError', () => {
  it('tells its code, kind, cause and when to try again', () => {
    const cause = new Error('socket');
    const error = new TunnelError('DRAINING', 'stopping', { cause, retryAfterSeconds: 1 });
    assert.equal(error.kind.status, 503);
    assert.equal(error.cause, cause);
    assert.equal(error.retryAfterSeconds, 1);
    assert.equal(error.name, 'TunnelError');
  });

  it('has no cause property when there is no cause', () => {
    assert.equal('cause' in new TunnelError('INTERNAL', 'x'), false);
  });
});

describe('foreign errors', () => {
  it('become INTERNAL with the cause kept; ours stay as they are', () => {
    const own = new TunnelError('AGENT_LOST', 'gone');
    assert.equal(tunnelErrorFrom(own), own);
    for (const reason of [new TypeError('x'), 'text', undefined, null, 5]) {
      const error = tunnelErrorFrom(reason);
      assert.equal(error.code, 'INTERNAL');
      assert.equal(error.message, 'internal fault', 'nothing of the cause is shown');
      assert.equal(error.cause, reason ?? error.cause);
    }
  });

  it('give their code and text where they have one', () => {
    assert.equal(nodeErrorCode(Object.assign(new Error('x'), { code: 'ENOENT' })), 'ENOENT');
    for (const reason of [undefined, null, 'ENOENT', {}, { code: 5 }]) {
      assert.equal(nodeErrorCode(reason), undefined);
    }
    assert.equal(errorText(new Error('why')), 'why');
    assert.equal(errorText('why'), 'why');
  });

  it('of impossible values name the value', () => {
    assert.throws(() => assertNever({ kind: 'new' } as never), /unexpected value \{"kind":"new"\}/);
  });
});
