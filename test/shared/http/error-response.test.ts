import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ERROR_KINDS, isErrorCode, TunnelError, type ErrorCode } from '../../../shared/errors.js';
import { errorResponse, type FailedRequest } from '../../../shared/http/error-response.js';
import { headerValue, headerValues } from '../../../shared/http/header-list.js';
import { requestIdSource } from '../../../shared/ids.js';

const requestId = requestIdSource()();
const kubernetes: FailedRequest = {
  method: 'GET',
  rawTarget: '/api/v1/namespaces/default/pods?limit=500',
  headers: [],
  serviceType: 'kubernetes',
  requestId,
};
const jenkins: FailedRequest = { ...kubernetes, rawTarget: '/job/a', serviceType: 'jenkins' };
const offline = new TunnelError('AGENT_NOT_CONNECTED', 'agent "prod-eu" is not connected');
const codes = Object.keys(ERROR_KINDS).filter(isErrorCode);

/** The answer with its body as text. */
function answer(error: TunnelError, request: FailedRequest) {
  const response = errorResponse(error, request);
  const header = (name: string) => headerValue(response.headers, name);
  return { ...response, header, text: response.body.toString() };
}

interface Status {
  kind: string;
  status: string;
  message: string;
  reason: string;
  code: number;
  details: { causes: { reason: string }[]; retryAfterSeconds?: number };
}

describe('an error for a Kubernetes caller', () => {
  it('is a Status with code, reason, message, hop and request id', () => {
    const { status, header, text } = answer(offline, kubernetes);
    const message = `fairlead: agent "prod-eu" is not connected (at the agent; AGENT_NOT_CONNECTED; request ${requestId})`;
    assert.equal(status, 503);
    assert.equal(header('content-type'), 'application/json');
    assert.deepEqual(JSON.parse(text), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason: 'ServiceUnavailable',
      details: { causes: [{ reason: 'AGENT_NOT_CONNECTED', message: 'at the agent' }] },
      code: 503,
    });
    assert.equal(header('warning'), `299 fairlead "${message.replaceAll('"', '\\"')}"`);
  });

  for (const rawTarget of [
    '/api',
    '/api?timeout=32s',
    '/api/v1?timeout=32s',
    '/apis',
    '/apis/apps/v1',
    '/openapi/v2?timeout=32s',
    '/openapi/v3/apis/apps/v1?hash=AB',
    '/version',
    '/agents/prod%20eu/kubernetes/k1/api',
    '/agents/a/kubernetes/k1/apis/apps/v1',
  ]) {
    it(`is text with status 502 on the discovery path ${rawTarget}`, () => {
      const { status, header, text } = answer(offline, { ...kubernetes, rawTarget });
      assert.equal(status, 502);
      assert.match(header('content-type') ?? '', /^text\/plain/);
      assert.match(text, /agent "prod-eu" is not connected/);
      assert.match(header('warning') ?? '', /prod-eu/);
    });
  }

  for (const rawTarget of [
    '/api/v1/pods',
    '/apis/apps/v1/deployments',
    '/apis/apps/v1/namespaces/default/deployments/version',
    '/versions',
    '/agents/a/kubernetes/k1/api/v1/pods',
    '/',
  ]) {
    it(`is a Status on ${rawTarget}, which is not discovery`, () => {
      const { status, header } = answer(offline, { ...kubernetes, rawTarget });
      assert.equal(status, 503);
      assert.equal(header('content-type'), 'application/json');
    });
  }

  it('keeps 401 and 429 in discovery, and never answers 403 there', () => {
    const statusOf = (code: ErrorCode) =>
      answer(new TunnelError(code, 'no'), { ...kubernetes, rawTarget: '/api' }).status;
    assert.equal(statusOf('CREDENTIAL_REFUSED'), 401);
    assert.equal(statusOf('TOO_MANY_STREAMS'), 429);
    assert.equal(statusOf('ROUTE_MISMATCH'), 502);
    assert.equal(statusOf('TARGET_SILENT'), 502);
  });

  it('is the same for the WebSocket try and the SPDY try of an upgrade', () => {
    const exec = { ...kubernetes, rawTarget: '/api/v1/namespaces/d/pods/p/exec?command=ls' };
    const webSocket = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];
    const spdy = ['Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1'];
    assert.deepEqual(
      answer(offline, { ...exec, method: 'GET', headers: webSocket }).body,
      answer(offline, { ...exec, method: 'POST', headers: spdy }).body,
    );
  });

  it('has a Status whose code is the status of the response, for every error', () => {
    for (const code of codes) {
      const { status, text } = answer(new TunnelError(code, 'no'), kubernetes);
      const body = JSON.parse(text) as Status;
      assert.equal(status, ERROR_KINDS[code].status);
      assert.equal(body.code, status);
      assert.equal(body.details.causes[0]?.reason, code);
    }
  });
});

describe('an error for another caller', () => {
  it("is JSON in v3.5's envelope, without Warning", () => {
    const { status, header, text } = answer(offline, jenkins);
    assert.equal(status, 503);
    assert.equal(header('content-type'), 'application/json');
    assert.equal(header('warning'), undefined);
    const { error } = JSON.parse(text) as { error: Record<string, string> };
    assert.match(error['message'] ?? '', /agent "prod-eu" is not connected/);
    assert.equal(error['code'], 'AGENT_NOT_CONNECTED');
    assert.equal(error['hop'], 'agent');
    assert.equal(error['requestId'], requestId);
  });

  it('keeps its form on paths that look like Kubernetes', () => {
    const { status, text } = answer(offline, { ...jenkins, rawTarget: '/api' });
    assert.equal(status, 503);
    assert.ok('error' in (JSON.parse(text) as object));
  });
});

describe('an error before a credential has named a route', () => {
  const missing = new TunnelError('CREDENTIAL_MISSING', 'the request carries no credential');
  const isStatus = (changes: Partial<FailedRequest>) => {
    const { text } = answer(missing, { ...jenkins, serviceType: undefined, ...changes });
    return text.includes('"kind":"Status"');
  };

  it('is a Status when path, prefix or headers are those of a Kubernetes caller', () => {
    assert.equal(isStatus({ rawTarget: '/api/v1/pods' }), true);
    assert.equal(isStatus({ rawTarget: '/agents/a/kubernetes/k1/healthz' }), true);
    assert.equal(isStatus({ headers: ['Kubectl-Command', 'kubectl get'] }), true);
    assert.equal(
      isStatus({ headers: ['Accept', 'application/json;as=Table;v=v1;g=meta.k8s.io'] }),
      true,
    );
  });

  it('is plain JSON otherwise', () => {
    assert.equal(isStatus({}), false);
    assert.equal(isStatus({ rawTarget: '/agents/a/jenkins/ci/api/json' }), false);
    assert.equal(isStatus({ rawTarget: '/apiary' }), false);
  });
});

describe('the headers of an error', () => {
  it('name code, request and length, and keep caches away', () => {
    const { header, body } = answer(offline, jenkins);
    assert.equal(header('x-fairlead-error'), 'AGENT_NOT_CONNECTED');
    assert.equal(header('x-request-id'), requestId);
    assert.equal(header('content-length'), String(body.length));
    assert.equal(header('cache-control'), 'no-store');
  });

  it('count bytes, not characters, in Content-Length', () => {
    const error = new TunnelError('AGENT_NOT_CONNECTED', 'agent "zürich-東" is not connected');
    const { header, text, body } = answer(error, jenkins);
    assert.match(text, /zürich-東/);
    assert.equal(header('content-length'), String(body.length));
    assert.ok(body.length > text.length);
  });

  it('ask for Basic or Bearer with 401 alone', () => {
    for (const code of codes) {
      const { status, headers } = errorResponse(new TunnelError(code, 'no'), kubernetes);
      const challenges = headerValues(headers, 'www-authenticate').map((value) =>
        value.slice(0, value.indexOf(' ')),
      );
      assert.deepEqual(challenges, status === 401 ? ['Basic', 'Bearer'] : [], code);
    }
  });

  it('have Retry-After with 429 and with a known gap alone', () => {
    const after = (code: ErrorCode, retryAfterSeconds?: number) =>
      answer(
        new TunnelError(code, 'no', retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        kubernetes,
      ).header('retry-after');
    assert.equal(after('AGENT_NOT_CONNECTED'), undefined);
    assert.equal(after('AGENT_NOT_CONNECTED', 2.2), '3');
    assert.equal(after('TOO_MANY_STREAMS'), '1');
    assert.equal(after('TOO_MANY_STREAMS', 0), '1');
    assert.equal(after('TOO_MANY_STREAMS', 7), '7');
  });

  it('leave a HEAD request without body but with the length', () => {
    const get = answer(offline, jenkins);
    const head = answer(offline, { ...jenkins, method: 'HEAD' });
    assert.equal(head.body.length, 0);
    assert.equal(head.header('content-length'), get.header('content-length'));
  });
});

describe('texts in an error', () => {
  it('never hold the words by which clouddriver decides, whatever was quoted', () => {
    const foreign = 'server said 403 Forbidden, (NotFound) not found FORBIDDEN';
    for (const code of codes) {
      for (const message of [foreign, ERROR_KINDS[code].meaning]) {
        for (const request of [kubernetes, { ...kubernetes, rawTarget: '/api' }, jenkins]) {
          const { headers, text } = answer(new TunnelError(code, message), request);
          assert.doesNotMatch(headers.join('\n') + text, /not ?found|forbidden/i, code);
        }
      }
      assert.doesNotMatch(ERROR_KINDS[code].meaning, /notfound|forbidden/i, code);
    }
  });

  it('cannot add headers or lines, and are bounded', () => {
    const nasty = new TunnelError('INTERNAL', `a\r\nX-Evil: 1\u0000\u0085"\\é${'x'.repeat(9_999)}`);
    for (const rawTarget of ['/api', '/api/v1/pods']) {
      const { headers, header, text } = answer(nasty, { ...kubernetes, rawTarget });
      for (const value of headers) assert.match(value, /^[\x20-\x7e\x80-\xff]*$/);
      assert.match(header('warning') ?? '', /^299 fairlead "(?:[^"\\]|\\["\\])*"$/);
      assert.ok(text.length < 2_000 && (header('warning') ?? '').length < 1_000);
    }
  });
});
