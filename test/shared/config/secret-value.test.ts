import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { format, inspect } from 'node:util';
import { SecretValue } from '../../../shared/config/secret-value.js';

const secret = new SecretValue('hunter2');

describe('SecretValue', () => {
  const prints: Record<string, () => string> = {
    'toString()': () => secret.toString(),
    'a template': () => `text: ${secret as unknown as string}`, // what a careless caller would write
    concatenation: () => 'x' + (secret as unknown as string),
    'JSON.stringify': () => JSON.stringify({ secret }),
    'util.inspect': () => inspect({ secret }, { showHidden: true, depth: 9 }),
    'util.format %s': () => format('%s', secret),
    'util.format %o': () => format('%o', secret),
    'util.format %j': () => format('%j', secret),
    'own properties': () => JSON.stringify(Object.getOwnPropertyDescriptors(secret)),
    'a copy of its properties': () => JSON.stringify(Object.assign({}, secret)),
    'an error text': () => String(new Error(String(secret))),
  };
  for (const [way, print] of Object.entries(prints)) {
    it(`does not show itself in ${way}`, () => assert.ok(!print().includes('hunter2')));
  }

  it('prints as [secret]', () => {
    assert.equal(String(secret), '[secret]');
    assert.equal(inspect(secret), '[secret]');
    assert.equal(JSON.stringify([secret]), '["[secret]"]');
  });

  it('reveals its text on request', () => assert.equal(secret.reveal(), 'hunter2'));

  it('equals another of the same text only', () => {
    assert.ok(secret.equals(new SecretValue('hunter2')));
    assert.ok(!secret.equals(new SecretValue('hunter3')));
    assert.ok(!secret.equals(new SecretValue('hunter')));
    assert.ok(!secret.equals(new SecretValue('')));
  });
});
