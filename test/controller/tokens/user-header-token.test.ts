import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keySetOf } from '../../../controller/tokens/key-set.js';
import { UserHeaderTokens } from '../../../controller/tokens/user-header-token.js';
import { ManualClock } from '../certificates/manual-clock.js';
import { rawToken } from './token-oracle.js';

const keySet = keySetOf({ key1: 'this is a key', key2: 'this is a key2' });
const keys = { current: () => keySet };
const refused = (text: RegExp) => ({ code: 'CREDENTIAL_REFUSED', message: text });
const DAY_SECONDS = 86_400;

function tokensAt(nowSeconds: number, validityMs?: number) {
  const clock = new ManualClock(nowSeconds * 1000);
  const tokens = new UserHeaderTokens({
    keys,
    signingKeyName: 'key1',
    clock,
    ...(validityMs === undefined ? {} : { validityMs }),
  });
  return { clock, tokens };
}

describe('UserHeaderTokens', () => {
  it("signs v3.5's token byte for byte when given its 15 minutes", () => {
    const expected = rawToken({ exp: 2011, iat: 1111, iss: 'opsmx-header-mutation', u: 'alice' });
    assert.equal(tokensAt(1111, 900_000).tokens.signUserHeader('alice'), expected);
  });

  it('gives the user back for a day, and no longer', () => {
    const { clock, tokens } = tokensAt(1111);
    const token = tokens.signUserHeader('älice@example.com');
    clock.advance(DAY_SECONDS * 1000 - 1);
    assert.equal(tokens.verifyUserHeader(token), 'älice@example.com');
    clock.advance(1);
    assert.throws(() => tokens.verifyUserHeader(token), refused(/expired/));
  });

  it('refuses everything else', () => {
    const { tokens } = tokensAt(5555);
    const good = { exp: 9999, iat: 1234, iss: 'opsmx-header-mutation', u: 'alice' };
    assert.equal(tokens.verifyUserHeader(rawToken(good)), 'alice');
    const wrong: [string, RegExp][] = [
      [rawToken({ ...good, iss: 'opsmx' }), /not a user header/],
      [rawToken({ ...good, iss: undefined }), /not a user header/],
      [rawToken({ ...good, u: undefined }), /lacks the claim "u"/],
      [rawToken({ ...good, exp: undefined }), /must expire/],
      [rawToken({ ...good, exp: 5555 }), /expired/],
      [rawToken({ ...good, iat: 5616 }), /future/],
      [rawToken(good, { key: 'other' }), /signature/],
      [rawToken(good, { header: { alg: 'HS256', kid: 'foo' } }), /does not have/],
      ['alice', /not of the form/],
    ];
    for (const [token, why] of wrong) {
      assert.throws(() => tokens.verifyUserHeader(token), refused(why));
    }
  });

  it('refuses to start with a key that is not loaded', () => {
    const clock = new ManualClock(0);
    assert.throws(() => new UserHeaderTokens({ keys, signingKeyName: 'x', clock }), {
      code: 'CONFIG_INVALID',
      message: /serviceAuth.headerMutationKeyName names the key "x"/,
    });
  });
});
