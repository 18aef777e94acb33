import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jwtVerify } from 'jose';
import { TokenIssuer } from '../../../controller/tokens/issue-token.js';
import { keySetOf } from '../../../controller/tokens/key-set.js';
import { signToken } from '../../../controller/tokens/signed-token.js';
import { agentName } from '../../../shared/ids.js';
import { ManualClock } from '../certificates/manual-clock.js';
import { rawToken } from './token-oracle.js';

const keySet = keySetOf({ key1: 'this is a key', key2: 'this is a key2' });
const keys = { current: () => keySet };
const clock = new ManualClock(1_111_999);
const route = { agent: agentName('agent1'), service: { type: 'artifactory', name: 'bob' } };

describe('TokenIssuer', () => {
  it("issues v3.5's token byte for byte, with the purpose in its alphabetical place", () => {
    const issuer = new TokenIssuer({ keys, currentKeyName: 'key1', clock });
    const claims = {
      a: 'agent1',
      iat: 1111,
      iss: 'opsmx',
      n: 'bob',
      'opsmx.purpose': 'service',
      t: 'artifactory',
    };
    assert.equal(issuer.issueServiceToken(route), rawToken(claims));
  });

  it('issues what jose verifies, with a key as short as that of the reference tests', async () => {
    const token = new TokenIssuer({ keys, currentKeyName: 'key2', clock }).issueServiceToken(route);
    const { payload, protectedHeader } = await jwtVerify(token, Buffer.from('this is a key2'), {
      algorithms: ['HS256'],
      issuer: 'opsmx',
    });
    assert.deepEqual(protectedHeader, { alg: 'HS256', kid: 'key2', typ: 'JWT' });
    assert.equal(payload.iat, 1111);
    assert.equal(payload.exp, undefined);
  });

  it('refuses to start with a key that is not loaded', () => {
    assert.throws(() => new TokenIssuer({ keys, currentKeyName: 'key3', clock }), {
      code: 'CONFIG_INVALID',
      message: /serviceAuth.currentKeyName names the key "key3"/,
    });
  });
});

describe('signToken', () => {
  it('writes claims in alphabetical order whatever order they come in', () => {
    const key = keySet.get('key1');
    assert.ok(key);
    const claims = { t: 'artifactory', n: 'bob', iss: 'opsmx', iat: 1111, a: 'agent1' };
    assert.equal(
      signToken(claims, 'key1', key),
      rawToken({ a: 'agent1', iat: 1111, iss: 'opsmx', n: 'bob', t: 'artifactory' }),
    );
  });
});
