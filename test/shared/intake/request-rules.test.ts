/** What a request must be to be forwarded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorCode } from '../../../shared/errors.js';
import type { CallerExchange } from '../../../shared/intake/caller-exchange.js';
import { http1Fault, requestFault } from '../../../shared/intake/request-rules.js';
import { PROTOCOL_LIMITS } from '../../../shared/protocol/frame.js';

const LIMITS = { maxHeaderBytes: 1000, maxTargetBytes: 100 };

type Request = Pick<CallerExchange, 'method' | 'target' | 'headers'>;

describe('a request', () => {
  const cases: readonly (readonly [string, Partial<Request>, ErrorCode | undefined])[] = [
    ['with a path', { target: '/' }, undefined],
    ['with anything after the slash', { target: '//%2F%zz/../[|]?a=b&&a#?' }, undefined],
    ['with a method of its own', { method: 'PURGE' }, undefined],
    ['OPTIONS *', { method: 'OPTIONS', target: '*' }, undefined],
    ['GET *', { target: '*' }, 'REQUEST_INVALID'],
    ['with an absolute target', { target: 'http://elsewhere/x' }, 'REQUEST_INVALID'],
    ['with an authority as target', { target: 'elsewhere:443' }, 'REQUEST_INVALID'],
    ['with no target', { target: '' }, 'REQUEST_INVALID'],
    ['with a query as target', { target: '?x' }, 'REQUEST_INVALID'],
    ['CONNECT', { method: 'CONNECT', target: 'elsewhere:443' }, 'REQUEST_INVALID'],
    ['CONNECT with a path', { method: 'CONNECT', target: '/' }, 'REQUEST_INVALID'],
    ['with a target at the limit', { target: '/'.repeat(100) }, undefined],
    ['with a target over the limit', { target: '/'.repeat(101) }, 'TARGET_TOO_LONG'],
    ['with headers at the limit', { headers: ['x', 'y'.repeat(995)] }, undefined],
    ['with headers over the limit', { headers: ['x', 'y'.repeat(996)] }, 'HEADERS_TOO_LARGE'],
  ];
  for (const [what, given, code] of cases) {
    it(`${what} is ${code === undefined ? 'forwarded' : `refused: ${code}`}`, () => {
      assert.equal(requestFault(request(given), LIMITS)?.code, code);
    });
  }

  it('may have as many headers as a frame carries, and not one more', () => {
    const limits = { ...LIMITS, maxHeaderBytes: 1_000_000 };
    const headers = (count: number) => Array<string>(count * 2).fill('x');
    const { maxHeaderCount } = PROTOCOL_LIMITS;
    assert.equal(requestFault(request({ headers: headers(maxHeaderCount) }), limits), undefined);
    const fault = requestFault(request({ headers: headers(maxHeaderCount + 1) }), limits);
    assert.equal(fault?.code, 'HEADERS_TOO_LARGE');
  });

  it('that is refused is told which option limits it', () => {
    const fault = requestFault(request({ target: '/'.repeat(200) }), LIMITS);
    assert.match(fault?.message ?? '', /200 bytes, at most 100 .*limits\.maxTargetBytes/);
  });
});

describe('an HTTP/1 request', () => {
  const cases: readonly (readonly [string, string[], string | undefined])[] = [
    ['1.1', ['Host', 'h'], undefined],
    ['1.1', ['Accept', 'host', 'HOST', ''], undefined],
    ['1.1', [], 'this one has 0'],
    ['1.1', ['X', 'Host', 'Hosts', 'h'], 'this one has 0'],
    ['1.1', ['Host', 'h', 'host', 'h'], 'this one has 2'],
    ['1.0', [], undefined],
    ['1.0', ['Host', 'h'], undefined],
    ['1.0', ['Host', 'h', 'X', '1', 'HOST', 'i'], 'this one has 2'],
    ['0.9', ['Host', 'h'], 'HTTP/0.9 is not served here'],
  ];
  for (const [httpVersion, rawHeaders, fault] of cases) {
    const outcome = fault === undefined ? 'served' : `refused: ${fault}`;
    it(`of ${httpVersion} with ${JSON.stringify(rawHeaders)} is ${outcome}`, () => {
      const error = http1Fault({ httpVersion, rawHeaders });
      if (fault === undefined) return assert.equal(error, undefined);
      assert.equal(error?.code, 'REQUEST_INVALID');
      assert.ok(error.message.includes(fault));
    });
  }
});

/** The rules look at nothing else of an exchange. */
function request(given: Partial<Request>): CallerExchange {
  const parts: Request = { method: 'GET', target: '/', headers: [], ...given };
  return parts as CallerExchange;
}
