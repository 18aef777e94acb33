import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import { errorFields } from '../../../shared/operations/error-fields.js';

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

describe('the log fields of an error', () => {
  it('list every address that a connection attempt tried', () => {
    const attempts = new AggregateError(
      [
        coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:1'),
        coded('ETIMEDOUT', 'no answer from 127.0.0.1'),
      ],
      '',
    );
    const fields = errorFields(new TunnelError('TARGET_UNREACHABLE', 'no', { cause: attempts }));
    assert.deepEqual(fields.causes, [
      'AggregateError',
      'connect ECONNREFUSED ::1:1',
      'ETIMEDOUT: no answer from 127.0.0.1',
    ]);
  });

  it('have a stack for faults that nobody foresaw, and for no others', () => {
    const fault = new TypeError('undefined is not a function');
    assert.match(errorFields(fault).stack ?? '', /TypeError.*\n +at /);
    assert.match(
      errorFields(new TunnelError('INTERNAL', 'internal fault', { cause: fault })).stack ?? '',
      /^TypeError/,
    );
    assert.match(errorFields(new TunnelError('INTERNAL', 'odd')).stack ?? '', /odd/);
    assert.equal(
      errorFields(new TunnelError('AGENT_LOST', 'x', { cause: fault })).stack,
      undefined,
    );
    assert.equal(errorFields(coded('ENOENT', 'no such file')).stack, undefined);
  });

  it('end for a ring of causes and for a very long chain', () => {
    const [a, b] = [new Error('a'), new Error('b')];
    a.cause = b;
    b.cause = a;
    assert.deepEqual(errorFields(a).causes, ['b']);
    let chain = new Error('0');
    for (let i = 1; i < 100; i++) chain = new Error(String(i), { cause: chain });
    assert.equal(errorFields(chain).causes?.length, 8);
  });

  it('take anything that can be thrown', () => {
    assert.deepEqual(errorFields('text'), { message: 'text' });
    assert.deepEqual(errorFields(undefined), { message: 'undefined' });
  });
});
