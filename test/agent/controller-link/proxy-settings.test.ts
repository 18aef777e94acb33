import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { proxySettings } from '../../../agent/controller-link/proxy-settings.js';

describe('the proxy of the environment', () => {
  it('is taken in upper and lower case, lower case first', () => {
    const env = {
      HTTPS_PROXY: 'http://upper:1',
      https_proxy: 'http://lower:1',
      HTTP_PROXY: 'http://u:2',
    };
    assert.deepEqual(proxySettings(env), {
      https_proxy: 'http://lower:1',
      http_proxy: 'http://u:2',
    });
  });

  it('is none when no variable is set', () => {
    assert.deepEqual(proxySettings({ PATH: '/bin' }), {});
  });

  const lists: [string, string][] = [
    ['localhost,.example.com', 'localhost,.example.com'],
    [' localhost , 10.0.0.0/8 ', 'localhost,10.0.0.0/8'],
    ['*.example.com', '.example.com'],
    ['controller:9001', 'controller'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    // an empty item would match every host
    ['a,,b,', 'a,b'],
    ['', ''],
    // and stands for the asterisk
    ['*', ','],
    ['a, *', ','],
  ];
  for (const [given, expected] of lists) {
    it(`NO_PROXY="${given}" becomes "${expected}"`, () => {
      assert.deepEqual(proxySettings({ NO_PROXY: given }), { no_proxy: expected });
    });
  }
});
