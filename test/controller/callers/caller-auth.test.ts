/** Who is calling: certificate, then token; what counts as a token; what happens when they disagree. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { CallerAuth } from '../../../controller/callers/caller-auth.js';
import { TunnelError } from '../../../shared/errors.js';
import type { ErrorCode } from '../../../shared/errors.js';
import { agentName, routeText } from '../../../shared/ids.js';
import type { Route } from '../../../shared/ids.js';
import type { ClientCertificate } from '../../../shared/intake/caller-exchange.js';
import { testAuthority } from '../certificates/test-authority.js';
import { testExchange } from './test-exchange.js';

const authority = testAuthority();
const ONE = route('prod', 'kubernetes', 'k8s');
const OTHER = route('prod', 'jenkins', 'ci');
const certificate = {
  one: await clientCertificate({ purpose: 'service', route: ONE }),
  other: await clientCertificate({ purpose: 'service', route: OTHER }),
  agent: await clientCertificate({ purpose: 'agent', agent: agentName('prod') }),
  control: await clientCertificate({ purpose: 'control', name: 'oes' }),
};
const foreign = { ...certificate.one, refusal: 'unable to verify the first certificate' };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

interface Case {
  readonly certificate?: ClientCertificate;
  readonly headers?: readonly string[];
  readonly is: Route | ErrorCode;
}

describe('the route of a request', () => {
  const cases: Record<string, Case> = {
    'with nothing': { is: 'CREDENTIAL_MISSING' },
    'with a service certificate': { certificate: certificate.one, is: ONE },
    'with a certificate of another CA': { certificate: foreign, is: 'CREDENTIAL_REFUSED' },
    "with an agent's certificate": { certificate: certificate.agent, is: 'CREDENTIAL_REFUSED' },
    "with an operator's certificate": {
      certificate: certificate.control,
      is: 'CREDENTIAL_REFUSED',
    },
    'with X-Opsmx-Token': { headers: ['X-Opsmx-Token', 'one'], is: ONE },
    'with X-Opsmx-Token in any case, and spaces': { headers: ['x-OPSMX-token', ' one '], is: ONE },
    'with a bearer token': { headers: ['Authorization', 'Bearer one'], is: ONE },
    'with a bearer token in any case': { headers: ['AUTHORIZATION', 'bEARER  one '], is: ONE },
    'with a Basic password': { headers: ['Authorization', basic('user:one')], is: ONE },
    'with a Basic password and no user': { headers: ['Authorization', basic(':one')], is: ONE },
    'with colons in the password': { headers: ['Authorization', basic('u:o:n:e')], is: OTHER },
    'with Basic and no password': {
      headers: ['Authorization', basic('one')],
      is: 'CREDENTIAL_REFUSED',
    },
    'with another scheme': { headers: ['Authorization', 'Digest one'], is: 'CREDENTIAL_MISSING' },
    'with a scheme and nothing else': {
      headers: ['Authorization', 'Bearer'],
      is: 'CREDENTIAL_MISSING',
    },
    'with a bad token': { headers: ['X-Opsmx-Token', 'bad'], is: 'CREDENTIAL_REFUSED' },
    'with a token in another header': { headers: ['X-Token', 'one'], is: 'CREDENTIAL_MISSING' },
    'with an empty X-Opsmx-Token and a bearer token': {
      headers: ['X-Opsmx-Token', '', 'Authorization', 'Bearer one'],
      is: ONE,
    },
    'with a bad X-Opsmx-Token and a good bearer token': {
      headers: ['Authorization', 'Bearer one', 'X-Opsmx-Token', 'bad'],
      is: 'CREDENTIAL_REFUSED',
    },
    // two of them
    'with certificate and token that agree': {
      certificate: certificate.one,
      headers: ['Authorization', 'Bearer one'],
      is: ONE,
    },
    'with certificate and token that disagree': {
      certificate: certificate.other,
      headers: ['Authorization', 'Bearer one'],
      is: 'CREDENTIALS_DISAGREE',
    },
    'with a certificate and a bad token, which may be meant for the target': {
      certificate: certificate.one,
      headers: ['Authorization', 'Bearer bad'],
      is: ONE,
    },
    'with a certificate of another CA and a good token': {
      certificate: foreign,
      headers: ['Authorization', 'Bearer one'],
      is: ONE,
    },
    "with an agent's certificate and a good token": {
      certificate: certificate.agent,
      headers: ['X-Opsmx-Token', 'one'],
      is: ONE,
    },
    'with nothing good at all': {
      certificate: foreign,
      headers: ['X-Opsmx-Token', 'bad'],
      is: 'CREDENTIAL_REFUSED',
    },
  };
  for (const [what, { certificate: client, headers = [], is }] of Object.entries(cases)) {
    it(`${what} is ${typeof is === 'string' ? is : routeText(is)}`, () => {
      const auth = new CallerAuth(tokens);
      const exchange = testExchange({ headers, certificate: client });
      if (typeof is !== 'string') return assert.deepEqual(auth.routeOf(exchange), is);
      assert.throws(() => auth.routeOf(exchange), isError(is));
    });
  }

  it('is told apart from one whose names only join alike', async () => {
    const [one, other] = [route('a', 'b/c', 'd'), route('a/b', 'c', 'd')];
    const client = await clientCertificate({ purpose: 'service', route: one });
    const auth = new CallerAuth({ verifyServiceToken: () => other });
    const exchange = testExchange({ headers: ['X-Opsmx-Token', 't'], certificate: client });
    assert.throws(() => auth.routeOf(exchange), isError('CREDENTIALS_DISAGREE'));
  });
});

describe('a refusal', () => {
  it('says what is wrong, and nothing of the token', () => {
    const auth = new CallerAuth(tokens);
    const texts = [
      { certificate: certificate.agent, says: /is one for agent use; .* service credential/ },
      { certificate: foreign, says: /not accepted: unable to verify/ },
      { headers: ['X-Opsmx-Token', 'secret-value'], says: /refused by the test/ },
      {
        certificate: certificate.one,
        headers: ['X-Opsmx-Token', 'o:n:e'],
        says: /prod\/kubernetes\/k8s.*prod\/jenkins\/ci/,
      },
    ];
    for (const { says, ...request } of texts) {
      assert.throws(
        () => auth.routeOf(testExchange(request)),
        (reason) =>
          reason instanceof TunnelError &&
          says.test(reason.message) &&
          !reason.message.includes('secret-value'),
      );
    }
  });
});

describe('a connection', () => {
  it('has its certificate read once, and is refused all the same when TLS does not trust it', () => {
    const { certificate: known } = certificate.one;
    const auth = new CallerAuth(tokens);
    const route = () => auth.routeOf(testExchange({ certificate: certificate.one }));
    assert.equal(route(), route(), 'the very object');
    const untrusted = { certificate: known, refusal: 'CERT_HAS_EXPIRED' };
    assert.throws(
      () => auth.routeOf(testExchange({ certificate: untrusted })),
      isError('CREDENTIAL_REFUSED'),
    );
  });
});

const tokens = {
  verifyServiceToken(token: string): Route {
    if (token === 'one') return ONE;
    if (token === 'o:n:e') return OTHER;
    throw new TunnelError('CREDENTIAL_REFUSED', 'refused by the test');
  },
};

function route(agent: string, type: string, name: string): Route {
  return { agent: agentName(agent), service: { type, name } };
}

async function clientCertificate(
  identity: Parameters<typeof authority.issue>[0],
): Promise<ClientCertificate> {
  const { certPem } = await authority.issue(identity);
  return { certificate: new X509Certificate(certPem), refusal: undefined };
}

function isError(code: ErrorCode) {
  return (reason: unknown): boolean => reason instanceof TunnelError && reason.code === code;
}
