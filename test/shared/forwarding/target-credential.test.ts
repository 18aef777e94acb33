import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SecretValue } from '../../../shared/config/secret-value.js';
import { TunnelError } from '../../../shared/errors.js';
import {
  authorizationValue,
  credentialFromTexts,
} from '../../../shared/forwarding/target-credential.js';

const secrets = (texts: Record<string, string>) =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, new SecretValue(text)]));
const header = (type: 'none' | 'basic' | 'bearer' | 'token', texts: Record<string, string>) =>
  authorizationValue(credentialFromTexts(type, secrets(texts), 'here'));

describe('the Authorization header of a credential', () => {
  it('is absent for none', () => assert.equal(header('none', { token: 'x' }), undefined));

  it('is Basic with both texts trimmed', () => {
    const expected = `Basic ${Buffer.from('user:pass word').toString('base64')}`;
    assert.equal(header('basic', { username: ' user\n', password: '\tpass word\r\n' }), expected);
  });

  it('keeps UTF-8 and colons of a password', () => {
    const expected = `Basic ${Buffer.from('jö:a:ß', 'utf8').toString('base64')}`;
    assert.equal(header('basic', { username: 'jö', password: 'a:ß' }), expected);
  });

  it('is Bearer or Token with the token trimmed', () => {
    assert.equal(header('bearer', { token: 'abc\n' }), 'Bearer abc');
    assert.equal(header('token', { token: ' abc ' }), 'Token abc');
  });

  const faults: ['basic' | 'bearer' | 'token', Record<string, string>, RegExp][] = [
    ['basic', { username: 'u' }, /^here: password is missing or empty$/],
    ['basic', { password: 'p' }, /^here: username is missing or empty$/],
    ['basic', { username: 'u', password: ' \n' }, /password is missing or empty/],
    ['bearer', {}, /token is missing or empty/],
    ['token', { token: '\n' }, /token is missing or empty/],
    ['bearer', { token: 'top\r\nX-Evil: 1' }, /token holds white space/],
    ['token', { token: 'two words' }, /token holds white space/],
    ['bearer', { token: 'naïve' }, /characters that no header can carry/],
  ];
  for (const [type, texts, message] of faults) {
    it(`is refused for ${type} of ${JSON.stringify(texts)}, without repeating it`, () => {
      assert.throws(
        () => header(type, texts),
        (reason) => {
          assert.ok(reason instanceof TunnelError && reason.code === 'TARGET_CREDENTIAL_FAILED');
          assert.match(reason.message, message);
          for (const text of Object.values(texts)) {
            if (text.trim().length > 1) assert.ok(!reason.message.includes(text.trim()));
          }
          return true;
        },
      );
    });
  }
});
