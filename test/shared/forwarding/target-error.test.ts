/** Errors of the connection to a target, told to callers: what failed, and never where. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TunnelError } from '../../../shared/errors.js';
import type { ErrorCode } from '../../../shared/errors.js';
import { isBrokenConnection, targetErrorFrom } from '../../../shared/forwarding/target-error.js';

const SERVICE = { type: 'jenkins', name: 'ci' };
const SECRET = 'connect ECONNREFUSED 10.9.8.7:8443 secret-host.corp';

describe('an error of the connection to a target', () => {
  const cases: readonly (readonly [string, ErrorCode, RegExp])[] = [
    ['ECONNREFUSED', 'TARGET_UNREACHABLE', /connection refused/],
    ['ENOTFOUND', 'TARGET_UNREACHABLE', /does not resolve/],
    ['EAI_AGAIN', 'TARGET_UNREACHABLE', /does not resolve/],
    ['EHOSTUNREACH', 'TARGET_UNREACHABLE', /no route/],
    ['ENETUNREACH', 'TARGET_UNREACHABLE', /no route/],
    ['UND_ERR_CONNECT_TIMEOUT', 'TARGET_UNREACHABLE', /too long/],
    ['ETIMEDOUT', 'TARGET_UNREACHABLE', /too long/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TARGET_TLS_FAILED', /another name/],
    ['CERT_HAS_EXPIRED', 'TARGET_TLS_FAILED', /expired/],
    ['CERT_NOT_YET_VALID', 'TARGET_TLS_FAILED', /not valid yet/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['CERT_CHAIN_TOO_LONG', 'TARGET_TLS_FAILED', /not signed by a trusted CA/],
    ['CERT_REVOKED', 'TARGET_TLS_FAILED', /revoked/],
    ['INVALID_PURPOSE', 'TARGET_TLS_FAILED', /not one for servers/],
    ['EPROTO', 'TARGET_TLS_FAILED', /does not speak TLS as we do/],
    ['ERR_SSL_SOMETHING', 'TARGET_TLS_FAILED', /handshake failed/],
    ['HPE_INVALID_CONSTANT', 'TARGET_BROKE_OFF', /not HTTP/],
    ['HPE_HEADER_OVERFLOW', 'TARGET_BROKE_OFF', /headers are over the limit/],
    ['UND_ERR_HEADERS_OVERFLOW', 'TARGET_BROKE_OFF', /headers are over the limit/],
    ['UND_ERR_SOCKET', 'TARGET_BROKE_OFF', /closed the connection/],
    ['ECONNRESET', 'TARGET_BROKE_OFF', /closed the connection/],
    ['SOMETHING_NEW', 'TARGET_BROKE_OFF', /closed the connection/],
  ];
  for (const [code, expected, text] of cases) {
    it(`${code} is ${expected}, names the service and hides the address`, () => {
      const cause = nodeError(code, SECRET);
      const error = targetErrorFrom(cause, SERVICE);
      assert.equal(error.code, expected);
      assert.match(error.message, /^target of jenkins\/ci: /);
      assert.match(error.message, text);
      assert.doesNotMatch(error.message, /10\.9|8443|secret-host|NotFound|forbidden/);
      assert.equal(error.cause, cause, 'the log shows it');
    });
  }

  it('tells the alert of TLS, as it says whose certificate is wrong', () => {
    const texts: readonly (readonly [string, RegExp])[] = [
      [
        '0:error:ssl3_read_bytes:tlsv13 alert certificate required:SSL alert number 116',
        /TLS: alert certificate required$/,
      ],
      [
        '0:error:ssl3_read_bytes:sslv3 alert bad certificate:SSL alert number 42',
        /TLS: alert bad certificate$/,
      ],
      ['0:error:ssl3_get_record:wrong version number:', /TLS: wrong version number$/],
    ];
    for (const [text, expected] of texts) {
      assert.match(targetErrorFrom(nodeError('ERR_SSL_X', text), SERVICE).message, expected);
    }
  });

  it('that undici refuses the request is told as a fault of the request', () => {
    for (const code of ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']) {
      const cause = nodeError(code, SECRET);
      const error = targetErrorFrom(cause, SERVICE);
      assert.equal(error.code, 'REQUEST_INVALID');
      assert.equal(error.message, 'the request is not valid HTTP/1.1');
      assert.equal(error.cause, cause, 'the log shows it');
    }
  });

  it("of undici's parser has a name and no code", () => {
    const cause = Object.assign(new Error(SECRET), { name: 'HTTPParserError', code: undefined });
    assert.match(targetErrorFrom(cause, SERVICE).message, /not HTTP/);
  });

  it('that is one of ours stays as it is', () => {
    const own = new TunnelError('TARGET_SILENT', 'x');
    assert.equal(targetErrorFrom(own, SERVICE), own);
  });

  it('without a code, or no error at all, is a broken connection', () => {
    for (const reason of [new Error(SECRET), undefined, 'text', null]) {
      const error = targetErrorFrom(reason, SERVICE);
      assert.equal(error.code, 'TARGET_BROKE_OFF');
      assert.doesNotMatch(error.message, /secret/);
    }
  });
});

describe('a connection that was kept alive too long', () => {
  it('is told by its error', () => {
    for (const code of ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']) {
      assert.equal(isBrokenConnection(nodeError(code, '')), true, code);
    }
    for (const code of ['ECONNREFUSED', 'ETIMEDOUT', 'HPE_INVALID_CONSTANT']) {
      assert.equal(isBrokenConnection(nodeError(code, '')), false, code);
    }
    assert.equal(isBrokenConnection(undefined), false);
  });
});

function nodeError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
