import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { TokenIssuer } from '../../../controller/tokens/issue-token.js';
import { keySetOf, type KeySet } from '../../../controller/tokens/key-set.js';
import { TokenVerifier } from '../../../controller/tokens/verify-token.js';
import { agentName } from '../../../shared/ids.js';
import { ManualClock } from '../certificates/manual-clock.js';
import { rawToken } from './token-oracle.js';

const NOW_SECONDS = 1_000_000;
const ROUTE = { agent: agentName('agent1'), service: { type: 'artifactory', name: 'bob' } };
const V35_CLAIMS = { a: 'agent1', iat: 1111, iss: 'opsmx', n: 'bob', t: 'artifactory' };

/** A verifier over keys that a test can exchange, at a fixed time. */
function verifierAt(nowSeconds = NOW_SECONDS, maxRemembered?: number) {
  const clock = new ManualClock(nowSeconds * 1000);
  const keys = { set: keySetOf({ key1: 'this is a key', key2: 'this is a key2' }) };
  const source = { current: (): KeySet => keys.set };
  const verifier = new TokenVerifier({
    keys: source,
    clock,
    ...(maxRemembered === undefined ? {} : { maxRemembered }),
  });
  const issuer = new TokenIssuer({ keys: source, currentKeyName: 'key1', clock });
  return { clock, keys, verifier, issuer };
}

function assertRefused(token: string, why: RegExp): void {
  assert.throws(
    () => verifierAt().verifier.verifyServiceToken(token),
    (error: Error) => {
      assert.equal((error as Error & { code?: unknown }).code, 'CREDENTIAL_REFUSED');
      assert.match(error.message, why);
      return true;
    },
    `${token} should be refused: ${String(why)}`,
  );
}

describe('TokenVerifier', () => {
  it('accepts what the issuer issues, for any names', () => {
    const { verifier, issuer } = verifierAt();
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(name, name, name, (agent, type, service) => {
        const route = { agent: agentName(agent), service: { type, name: service } };
        assert.deepEqual(verifier.verifyServiceToken(issuer.issueServiceToken(route)), route);
      }),
    );
  });

  it('accepts tokens of v3.5, of later versions, of v2 without iat, and signed by jose', async () => {
    const v2Claims = { ...V35_CLAIMS, iat: undefined };
    const byJose = await new SignJWT(V35_CLAIMS)
      .setProtectedHeader({ typ: 'JWT', kid: 'key1', alg: 'HS256' })
      .sign(Buffer.from('this is a key'));
    const tokens = [
      rawToken(V35_CLAIMS),
      rawToken({ ...V35_CLAIMS, 'opsmx.purpose': 'service' }),
      rawToken(v2Claims),
      rawToken({ ...V35_CLAIMS, exp: NOW_SECONDS + 1, nbf: NOW_SECONDS }),
      byJose,
    ];
    for (const token of tokens) {
      assert.deepEqual(verifierAt().verifier.verifyServiceToken(token), ROUTE);
    }
  });

  it('finds the key by its id among all loaded ones', () => {
    const header = { alg: 'HS256', kid: 'key2', typ: 'JWT' };
    const { verifier } = verifierAt();
    const token = rawToken(V35_CLAIMS, { header, key: 'this is a key2' });
    assert.deepEqual(verifier.verifyServiceToken(token), ROUTE);
    assertRefused(rawToken(V35_CLAIMS, { header }), /signature/); // signed with key1
    for (const kid of ['key3', '', 7, null, undefined, '__proto__']) {
      assertRefused(rawToken(V35_CLAIMS, { header: { ...header, kid } }), /does not have/);
    }
  });

  it('accepts no algorithm but HS256 and no critical extensions', () => {
    for (const alg of ['none', 'None', 'hs256', 'HS512', 'RS256', '', undefined]) {
      const token = rawToken(V35_CLAIMS, { header: { alg, kid: 'key1', typ: 'JWT' } });
      assertRefused(token, /algorithm is not HS256/);
      const unsigned = token.replace(/[^.]*$/, '');
      assertRefused(unsigned, /algorithm is not HS256/);
    }
    const header = { alg: 'HS256', kid: 'key1', crit: ['b64'], b64: false };
    assertRefused(rawToken(V35_CLAIMS, { header }), /extensions/);
  });

  it('refuses tokens of other issuers and purposes', () => {
    for (const iss of [
      'opsmx-control-auth',
      'opsmx-agent-auth',
      'Opsmx',
      '',
      undefined,
      ['opsmx'],
    ]) {
      assertRefused(rawToken({ ...V35_CLAIMS, iss }), /not a service token/);
    }
    for (const purpose of ['control', 'agent', '', null]) {
      assertRefused(rawToken({ ...V35_CLAIMS, 'opsmx.purpose': purpose }), /another purpose/);
    }
  });

  it('accepts service tokens that 3.x issued under the issuer of user headers, but no user header', () => {
    const iss = 'opsmx-header-mutation';
    const { verifier } = verifierAt();
    assert.deepEqual(verifier.verifyServiceToken(rawToken({ ...V35_CLAIMS, iss })), ROUTE);
    assertRefused(rawToken({ ...V35_CLAIMS, iss, u: 'alice' }), /not a service token/);
    assertRefused(rawToken({ exp: NOW_SECONDS + 9, iat: 1111, iss, u: 'alice' }), /not a service/);
    assertRefused(rawToken({ exp: NOW_SECONDS + 9, iat: 1111, iss }), /lacks the claim "a"/);
  });

  it('refuses tokens that lack a part of the route', () => {
    for (const claim of ['a', 'n', 't'] as const) {
      for (const value of [undefined, '', 7, null, ['x']]) {
        const why = new RegExp(`lacks the claim "${claim}"`);
        assertRefused(rawToken({ ...V35_CLAIMS, [claim]: value }), why);
      }
    }
  });

  it('honours the times, with a minute of difference between clocks', () => {
    assertRefused(rawToken({ ...V35_CLAIMS, iat: NOW_SECONDS + 61 }), /issued in the future/);
    assertRefused(rawToken({ ...V35_CLAIMS, nbf: NOW_SECONDS + 61 }), /not valid yet/);
    assertRefused(rawToken({ ...V35_CLAIMS, exp: NOW_SECONDS }), /expired/);
    for (const claim of ['iat', 'nbf', 'exp']) {
      assertRefused(rawToken({ ...V35_CLAIMS, [claim]: '9999999' }), /is no time/);
    }
    const { verifier } = verifierAt();
    verifier.verifyServiceToken(rawToken({ ...V35_CLAIMS, iat: NOW_SECONDS + 60 }));
    verifier.verifyServiceToken(rawToken({ ...V35_CLAIMS, exp: NOW_SECONDS + 0.5 }));
  });

  it('refuses what is no token at all', () => {
    const [header = '', claims = '', signature = ''] = rawToken(V35_CLAIMS).split('.');
    for (const token of ['', '.', '..', 'abc', `${header}.${claims}`, ' ', 'a.b.c.d']) {
      assertRefused(token, /./);
    }
    assertRefused(`${header}.${claims}.${signature}.x`, /not of the form/);
    assertRefused(`${header}.${claims}.${signature}=`, /signature/);
    assertRefused(`${header}=.${claims}.${signature}`, /not base64url/);
    assertRefused(` ${header}.${claims}.${signature}`, /not base64url/);
    assertRefused(rawToken([V35_CLAIMS]), /not a JSON object/);
    assertRefused('x'.repeat(20_000), /too long/);
  });

  it('refuses a token with any one character changed', () => {
    const token = rawToken(V35_CLAIMS);
    const { verifier } = verifierAt();
    for (let position = 0; position < token.length; position++) {
      const other = token[position] === 'A' ? 'B' : 'A';
      const changed = token.slice(0, position) + other + token.slice(position + 1);
      assert.throws(() => verifier.verifyServiceToken(changed), { code: 'CREDENTIAL_REFUSED' });
    }
    // The last character of a signature has two bits that decoders drop.
    const last = token.at(-1) ?? '';
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const twin = alphabet[alphabet.indexOf(last) ^ 1] ?? '';
    const decoded = (text: string) =>
      Buffer.from(text.split('.')[2] ?? '', 'base64url').toString('hex');
    const spelledOtherwise = token.slice(0, -1) + twin;
    assert.equal(decoded(spelledOtherwise), decoded(token));
    assert.throws(() => verifier.verifyServiceToken(spelledOtherwise), /signature/);
  });

  it('never puts any of the token into the message', () => {
    const token = rawToken(V35_CLAIMS, { key: 'wrong' });
    assert.throws(
      () => verifierAt().verifier.verifyServiceToken(token),
      (error: Error) => token.split('.').every((part) => !error.message.includes(part)),
    );
  });
});

describe('tokens that a verifier remembers', () => {
  it('are answered with the same route', () => {
    const { verifier } = verifierAt();
    const token = rawToken(V35_CLAIMS);
    const first = verifier.verifyServiceToken(token);
    assert.equal(verifier.verifyServiceToken(token), first);
    assert.equal(verifier.rememberedCount, 1);
  });

  it('do not include refused ones', () => {
    const { verifier } = verifierAt();
    for (const key of ['a', 'b']) {
      assert.throws(() => verifier.verifyServiceToken(rawToken(V35_CLAIMS, { key })));
    }
    assert.equal(verifier.rememberedCount, 0);
  });

  it('are not taken for another token that ends in the same signature', () => {
    const { verifier } = verifierAt();
    const [one = '', two = ''] = ['1', '2'].map((n) => rawToken({ ...V35_CLAIMS, n }));
    const [header, , signature] = one.split('.');
    const forged = `${header}.${two.split('.')[1]}.${signature}`;
    const route = verifier.verifyServiceToken(one);
    assert.throws(() => verifier.verifyServiceToken(forged), /signature does not fit/);
    verifier.verifyServiceToken(two); // so that `one` is not the last one either
    assert.throws(() => verifier.verifyServiceToken(forged), /signature does not fit/);
    assert.equal(verifier.verifyServiceToken(one), route);
  });

  it('are forgotten when they expire', () => {
    const { verifier, clock } = verifierAt();
    const token = rawToken({ ...V35_CLAIMS, exp: NOW_SECONDS + 10 });
    verifier.verifyServiceToken(token);
    clock.advance(9_999);
    verifier.verifyServiceToken(token);
    clock.advance(1);
    assert.throws(() => verifier.verifyServiceToken(token), /expired/);
    assert.equal(verifier.rememberedCount, 0);
  });

  it('are forgotten when the keys change', () => {
    const { verifier, keys } = verifierAt();
    const token = rawToken(V35_CLAIMS);
    verifier.verifyServiceToken(token);
    keys.set = keySetOf({ key2: 'this is a key2' });
    assert.throws(() => verifier.verifyServiceToken(token), /does not have/);
  });

  it('are bounded, and the least recently used goes first', () => {
    const { verifier } = verifierAt(NOW_SECONDS, 2);
    const [one, two, three] = ['1', '2', '3'].map((n) => rawToken({ ...V35_CLAIMS, n }));
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    const first = verifier.verifyServiceToken(one);
    const second = verifier.verifyServiceToken(two);
    verifier.verifyServiceToken(one);
    verifier.verifyServiceToken(three);
    assert.equal(verifier.rememberedCount, 2);
    assert.equal(verifier.verifyServiceToken(one), first);
    assert.notEqual(verifier.verifyServiceToken(two), second);
  });
});
