import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutSecrets } from '../../../shared/operations/log-redaction.js';

describe('redaction', () => {
  for (const [what, fields] of [
    ['a header in any case', { headers: { AUTHORIZATION: 'hush' } }],
    ['a list of values', { 'set-cookie': ['hush'] }],
    ['a flat header list', ['Cookie', 'hush', 'Accept', 'text/html']],
    ['an escaped quote in a secret', { password: 'a"hush' }],
    ['a backslash at the end of a secret', { password: 'hush\\', user: 'u' }],
    ['a kubeconfig field', { 'client-key-data': 'hush' }],
    ['a bearer in a text', 'tried bearer hushhushhushhush='],
    ['a JWT in a text', { msg: 'token eyJhbGciOiJIUzI1NiJ9.hush.hush-_' }],
    ['a cut private key', { msg: '-----BEGIN EC PRIVATE KEY-----\nhush', more: 'kept' }],
  ] as const) {
    it(`hides ${what} and leaves JSON behind`, () => {
      const line = JSON.stringify({ fields });
      const shown = withoutSecrets(line);
      assert.ok(line.includes('hush'));
      assert.ok(!shown.includes('hush'), shown);
      assert.ok(shown.includes('[secret]'));
      JSON.parse(shown);
    });
  }

  it('leaves ordinary lines as they are', () => {
    for (const text of [
      '{"msg":"basic authentication is used"}',
      '{"msg":"the bearer of this","tokens":3,"keys":["a"]}',
      '{"path":"/api/v1/secrets","queryNames":"token"}',
      '{"path":"/job/a/build","queryNames":"token","status":200}',
    ]) {
      assert.equal(withoutSecrets(text), text);
    }
  });

  it('takes time in proportion to the line', () => {
    const line = `{"password":"${'\\"'.repeat(500_000)}`;
    const started = performance.now();
    withoutSecrets(line);
    withoutSecrets('-----BEGIN PRIVATE KEY-----'.repeat(20_000));
    assert.ok(performance.now() - started < 2_000);
  });
});
