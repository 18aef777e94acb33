import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import type { ClientCertificate } from '../../../controller/control-api/operator-auth.js';
import { identityOfCertificate } from '../../../shared/certificates/certificate-identity.js';
import { systemClock } from '../../../shared/clock.js';
import { agentName } from '../../../shared/ids.js';
import { DAY_MS } from '../certificates/test-authority.js';
import {
  causeOf,
  connectedAgent,
  controlFixture,
  trusted,
  v35ControlPair,
} from './control-fixture.js';

const POST_ENDPOINTS = [
  'generateKubectlComponents',
  'generateAgentManifestComponents',
  'generateServiceCredentials',
  'generateControlCredentials',
  'generateKubeconfig',
  'generateAgentManifest',
];

/** The JSON of an answer, which must be 200 and say it is JSON. */
function json(answer: { status: number; headers: object; body: string }): Record<string, string> {
  assert.equal(answer.status, 200, answer.body);
  assert.deepEqual(answer.headers, { 'Content-Type': 'application/json' });
  return JSON.parse(answer.body) as Record<string, string>; // fields are compared below
}

const pem = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString();

describe('ControlApi, before an endpoint is asked', () => {
  const request = {
    method: 'POST',
    target: '/api/v1/generateKubectlComponents',
    remoteAddress: '192.0.2.7',
    readBody: () => Promise.resolve('{"agentName":"a","name":"b"}'),
  };
  const nobody: ClientCertificate = { certificate: undefined, chainError: undefined };

  it('answers unknown paths 404 in plain text, to anybody', async () => {
    const { api } = await controlFixture();
    for (const target of ['/', '/api/v1/unknown', '/api/v1/generateKubectlComponents/']) {
      const answer = await api.handle({ ...request, target, client: nobody });
      assert.equal(answer.status, 404);
      assert.equal(answer.body, '404 page not found\n');
    }
  });

  it('refuses a wrong method before it looks at the credential, and says which is right', async () => {
    const { api } = await controlFixture();
    for (const [method, endpoint, allow] of [
      ['GET', 'generateKubectlComponents', 'POST'],
      ['HEAD', 'getAgentStatistics', 'GET'],
      ['POST', 'getAgentStatistics', 'GET'],
      ['PUT', 'generateAgentManifest', 'POST'],
    ] as const) {
      const target = `/api/v1/${endpoint}?x=1`;
      const answer = await api.handle({ ...request, method, target, client: nobody });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers['Allow'], allow);
      assert.equal(causeOf(answer), `only '${allow}' is accepted (not '${method}')`);
    }
  });

  it('answers 403 with the reason to every certificate but a valid one for control', async () => {
    const { api, authority, operator, captured } = await controlFixture();
    const agent = await authority.issue({ purpose: 'agent', agent: agentName('prod-eu') });
    const service = { type: 'kubernetes', name: 'k' };
    const caller = await authority.issue({
      purpose: 'service',
      route: { agent: agentName('prod-eu'), service },
    });
    const now = Date.now();
    const expired = await authority.issue(
      { purpose: 'control', name: 'old' },
      { validity: { notBefore: now - 2 * DAY_MS, notAfter: now - DAY_MS } },
    );
    const early = await authority.issue(
      { purpose: 'control', name: 'young' },
      { validity: { notBefore: now + DAY_MS, notAfter: now + 2 * DAY_MS } },
    );
    const foreign = { ...operator, chainError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' };
    const refusals: [ClientCertificate, RegExp][] = [
      [nobody, /no client certificate was presented/],
      [trusted(agent.certPem), /not authorized for 'control': it was issued to agent prod-eu$/],
      [trusted(caller.certPem), /not authorized for 'control': .* service prod-eu\/kubernetes\/k$/],
      [trusted(expired.certPem), /the client certificate expired on .*; issue a new one/],
      [trusted(early.certPem), /not valid before/],
      [foreign, /not issued by the CA of this controller \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/],
    ];
    for (const [client, reason] of refusals) {
      const readBody = (): Promise<string> => assert.fail('the body was read');
      const answer = await api.handle({ ...request, client, readBody });
      assert.equal(answer.status, 403);
      assert.match(causeOf(answer), reason);
    }
    assert.equal(captured.lines.length, refusals.length);
    assert.ok(captured.lines.every((line) => line['remoteAddress'] === '192.0.2.7'));
  });

  it("accepts the control certificate of v3.5's make-ca", async () => {
    const { api, ca, captured } = await controlFixture();
    const client = trusted(v35ControlPair(ca).certPem);
    assert.equal((await api.handle({ ...request, client })).status, 200);
    assert.equal(captured.lines[0]?.['operator'], 'oes');
  });

  it('looks at the dates of a certificate for every request, not once per connection', async () => {
    let now = Date.now();
    const { api, operator } = await controlFixture({ clock: { ...systemClock, now: () => now } });
    assert.equal((await api.handle({ ...request, client: operator })).status, 200);
    now += 366 * DAY_MS;
    assert.equal((await api.handle({ ...request, client: operator })).status, 403);
  });

  it('answers 500 in the envelope and logs the fault when issuing fails unforeseen', async () => {
    const { call, captured } = await controlFixture({
      tokens: { issueServiceToken: () => assert.fail('disk on fire') },
    });
    const answer = await call('generateServiceCredentials', {
      agentName: 'a',
      name: 'b',
      type: 'c',
    });
    assert.equal(answer.status, 500);
    assert.equal(causeOf(answer), 'internal fault');
    assert.match(captured.text(), /disk on fire/);
  });
});

describe('request bodies', () => {
  it('reads what Go would read, and refuses with the reason what it would refuse', async () => {
    const { call } = await controlFixture();
    const good = '{"agentName":"a","name":"b"}';
    const bodies: [body: string, status: number, cause?: RegExp][] = [
      [good, 200],
      [`\n ${good} trailing data {`, 200],
      ['{"agentName":"}\\"{","name":"b"}]', 200],
      ['{"AGENTNAME":"a","Name":"b"}', 200],
      ['{"agentName":"","AgentName":"a","name":"b","unknown":[1]}', 200],
      ['', 400, /^EOF/],
      ['   ', 400, /^EOF/],
      ['"text"', 400, /^json: cannot unmarshal string into an object .* agentName, name$/],
      ['"text" x', 400, /^json: cannot unmarshal string/],
      ['[]', 400, /^json: cannot unmarshal array/],
      ['17', 400, /^json: cannot unmarshal number/],
      ['{"agentName":"a"', 400, /^the body is not JSON/],
      ['{agentName:1}', 400, /^the body is not JSON/],
      ['<xml/>', 400, /^the body is not JSON/],
      ['null', 400, /^'agentName' is invalid/],
      ['{}', 400, /^'agentName' is invalid/],
      [
        '{"agentName":5,"name":"b"}',
        400,
        /cannot unmarshal number into field agentName of type string/,
      ],
      ['{"agentName":{"a":1},"name":"b"}', 400, /cannot unmarshal object into field agentName/],
      ['{"agentName":"a","name":null}', 400, /^'name' is invalid/],
    ];
    for (const [body, status, cause] of bodies) {
      const answer = await call('generateKubectlComponents', body);
      assert.equal(answer.status, status, `${body} -> ${answer.body}`);
      if (cause !== undefined) assert.match(causeOf(answer), cause);
    }
  });

  it('takes the capitalised keys that older SAPORs send', async () => {
    const { call } = await controlFixture();
    const answer = await call('generateServiceCredentials', {
      agentName: 'a',
      Type: 'jenkins',
      Name: 'ci',
    });
    assert.equal(json(answer)['username'], 'ci.a');
  });

  it('checks agentName, name and type in that order and names the first that is wrong', async () => {
    const { call } = await controlFixture();
    const long = 'x'.repeat(254);
    const requests: [object, string][] = [
      [{ agentName: '', name: '', type: '' }, 'agentName'],
      [{ agentName: 'a', name: '', type: '' }, 'name'],
      [{ agentName: 'a', name: 'n', type: '' }, 'type'],
      [{ agentName: 'a', name: 'n', type: 'Jenkins' }, 'type'],
      [{ agentName: 'a', name: 'n', type: 'x-own' }, 'type'],
      [{ agentName: 'a\n', name: 'n', type: 't' }, 'agentName'],
      [{ agentName: 'a\u0085', name: 'n', type: 't' }, 'agentName'],
      [{ agentName: 'a\u2028b', name: 'n', type: 't' }, 'agentName'],
      [{ agentName: 'a', name: '\ud800', type: 't' }, 'name'],
      [{ agentName: 'a', name: long, type: 't' }, 'name'],
      [{ agentName: 'a', name: 'ü'.repeat(127), type: 't' }, 'name'],
    ];
    for (const [body, field] of requests) {
      const answer = await call('generateServiceCredentials', body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.ok(causeOf(answer).startsWith(`'${field}' is invalid`), answer.body);
    }
  });

  it("keeps v3.5's leniency for names with spaces and other characters", async () => {
    const { call } = await controlFixture();
    for (const name of ['my account', 'Ünïcode ☸', '"quotes" & <tags>', '../x', 'ü'.repeat(126)]) {
      const answer = await call('generateKubectlComponents', { agentName: name, name });
      const issued = new X509Certificate(pem(json(answer)['userCertificate']));
      const identity = identityOfCertificate(issued);
      assert.equal(identity.purpose === 'service' && identity.route.agent, name);
    }
  });

  it('never answers with the words by which clouddriver recognises absent or refused objects', async () => {
    const { call, api } = await controlFixture();
    const answers = [
      ...(await Promise.all(POST_ENDPOINTS.map((endpoint) => call(endpoint, {})))),
      await api.handle({
        method: 'POST',
        target: '/api/v1/generateKubeconfig',
        remoteAddress: '',
        client: { certificate: undefined, chainError: undefined },
        readBody: () => Promise.resolve(''),
      }),
    ];
    assert.ok(answers.length > 6);
    for (const answer of answers) assert.doesNotMatch(answer.body, /NotFound|forbidden/i);
  });
});

describe("v3.5's endpoints", () => {
  it('issues kubectl components as base64 PEM with a service certificate', async () => {
    const { call, authority } = await controlFixture();
    const reply = json(await call('generateKubectlComponents', { agentName: 'a b', name: 'k' }));
    const { userCertificate, userKey, caCert, ...rest } = reply;
    assert.deepEqual(rest, {
      agentName: 'a b',
      name: 'k',
      serverUrl: 'https://services.example.com:9002',
    });
    assert.equal(pem(caCert), authority.caPem);
    assert.match(pem(userKey), /^-----BEGIN EC PRIVATE KEY-----/);
    const certificate = new X509Certificate(pem(userCertificate));
    assert.ok(certificate.verify(authority.certificate.publicKey));
    assert.deepEqual(identityOfCertificate(certificate), {
      purpose: 'service',
      route: { agent: 'a b', service: { type: 'kubernetes', name: 'k' } },
    });
  });

  it('issues agent manifest components with an agent certificate and a numeric port', async () => {
    const { call } = await controlFixture();
    const answer = await call('generateAgentManifestComponents', { agentName: 'prod-eu' });
    const { agentCertificate, agentKey, caCert, ...rest } = json(answer);
    assert.deepEqual(rest, {
      agentName: 'prod-eu',
      serverHostname: 'agents.example.com',
      serverPort: 1234,
      agentVersion: 'v9.8.7',
    });
    assert.match(pem(agentKey), /PRIVATE KEY/);
    assert.match(pem(caCert), /CERTIFICATE/);
    const certificate = new X509Certificate(pem(agentCertificate));
    assert.deepEqual(identityOfCertificate(certificate), { purpose: 'agent', agent: 'prod-eu' });
  });

  it('issues basic credentials for services, also at the top level', async () => {
    const { call, authority } = await controlFixture();
    const request = { agentName: 'prod-eu', type: 'jenkins', name: 'ci' };
    const { caCert, ...rest } = json(await call('generateServiceCredentials', request));
    assert.equal(pem(caCert), authority.caPem);
    const username = 'ci.prod-eu';
    const password = 'token-for-prod-eu/jenkins/ci';
    assert.deepEqual(rest, {
      ...request,
      username,
      password,
      credentialType: 'basic',
      credential: { username, password },
      url: 'https://services.example.com:9002',
    });
  });

  it('issues exactly the two aws keys for type aws, and nothing at the top level', async () => {
    const { call } = await controlFixture();
    const request = { agentName: 'prod-eu', type: 'aws', name: 'billing' };
    const { caCert, ...rest } = json(await call('generateServiceCredentials', request));
    assert.ok(caCert);
    assert.deepEqual(rest, {
      ...request,
      credentialType: 'aws',
      credential: {
        awsAccessKey: 'billing.prod-eu',
        awsSecretAccessKey: 'token-for-prod-eu/aws/billing',
      },
      url: 'https://services.example.com:9002',
    });
  });

  it('keeps a colon out of the user name, which HTTP Basic would end there', async () => {
    const { call } = await controlFixture();
    const request = { agentName: 'a:b', type: 'jenkins', name: 'c:d' };
    assert.equal(json(await call('generateServiceCredentials', request))['username'], 'c_d.a_b');
  });

  it('issues control credentials that the control API itself accepts', async () => {
    const { call, api } = await controlFixture();
    const answer = await call('generateControlCredentials', { name: 'ci server' });
    const { userCertificate, userKey, caCert, ...rest } = json(answer);
    assert.deepEqual(rest, { name: 'ci server', url: 'https://control.example.com:9003' });
    assert.ok(userKey !== undefined && caCert !== undefined);
    const again = await api.handle({
      method: 'GET',
      target: '/api/v1/getAgentStatistics',
      remoteAddress: '',
      client: trusted(pem(userCertificate)),
      readBody: () => Promise.resolve(''),
    });
    assert.equal(again.status, 200);
  });

  it("reports connected agents in v3.5's shape, with what we know besides", async () => {
    const { call, agents } = await controlFixture({
      clock: { ...systemClock, now: () => 1_800_000_000_000 },
    });
    assert.deepEqual(json(await call('getAgentStatistics')), {
      serverTime: 1_800_000_000_000,
      version: 'v9.8.7',
      connectedAgents: [],
    });
    agents.push(connectedAgent(), connectedAgent({ hostname: '', rttMs: undefined, lastUse: 5 }));
    const { connectedAgents } = json(await call('getAgentStatistics'));
    const first = {
      name: 'prod-eu',
      session: 'session-1',
      connectionType: 'direct',
      endpoints: [
        {
          name: 'prod',
          type: 'kubernetes',
          configured: true,
          annotations: { description: 'main' },
          namespaces: ['a', 'b'],
        },
      ],
      version: '1.2.3',
      hostname: 'pod-1',
      agentInfo: { annotations: { region: 'eu' } },
      connectedAt: 1_700_000_000_000,
      lastPing: 1_700_000_010_000,
      state: 'serving',
      remoteAddress: '192.0.2.1:5000',
      rttMs: 12.5,
      openStreams: 3,
    };
    const { hostname, rttMs, ...common } = first;
    assert.ok(hostname !== '' && rttMs > 0);
    assert.deepEqual(connectedAgents, [first, { ...common, lastUse: 5 }]);
  });

  it('reports the AWS facts of a service and one that is not configured', async () => {
    const { call, agents } = await controlFixture();
    const service = {
      type: 'aws',
      name: 'billing',
      configured: false,
      annotations: {},
      namespaces: [],
      accountId: '123',
      assumeRole: 'role/x',
    };
    agents.push(connectedAgent({ services: [service] }));
    const answer = await call('getAgentStatistics');
    const { connectedAgents } = JSON.parse(answer.body) as {
      connectedAgents: { endpoints: unknown[] }[];
    };
    assert.deepEqual(connectedAgents[0]?.endpoints, [service]);
  });
});

describe('audit log', () => {
  it('says who got which certificate, with its fingerprint and never its key', async () => {
    const { call, captured, operatorPair } = await controlFixture();
    const answer = await call('generateAgentManifestComponents', { agentName: 'prod-eu' });
    const { agentCertificate } = json(answer);
    const certificate = new X509Certificate(pem(agentCertificate));
    assert.equal(captured.lines.length, 1);
    const line = captured.lines[0] ?? {};
    assert.equal(line['msg'], 'credential issued');
    assert.equal(line['operator'], 'oes');
    assert.equal(line['operatorCertificate'], operatorPair.fingerprint256);
    assert.equal(line['issuedTo'], 'agent prod-eu');
    assert.equal(line['certificate'], certificate.fingerprint256);
    assert.equal(Date.parse(String(line['notAfter'])), Date.parse(certificate.validTo));
    assert.doesNotMatch(captured.text(), /PRIVATE KEY/);
  });

  it('says who got a token for what, and never the token', async () => {
    const { call, captured } = await controlFixture();
    await call('generateServiceCredentials', { agentName: 'a', type: 'jenkins', name: 'ci' });
    await call('generateKubeconfig', { agentName: 'a', name: 'k', credential: 'token' });
    assert.deepEqual(
      captured.lines.map((line) => line['issuedTo']),
      ['service a/jenkins/ci', 'service a/kubernetes/k'],
    );
    assert.doesNotMatch(captured.text(), /token-for/);
  });

  it('has one line for each credential of every endpoint, and none for refused requests', async () => {
    const { call, captured } = await controlFixture();
    const request = { agentName: 'a', type: 'jenkins', name: 'ci' };
    for (const endpoint of POST_ENDPOINTS) {
      assert.equal((await call(endpoint, request)).status, 200);
      await call(endpoint, { agentName: '', name: '' });
    }
    const issued = captured.lines.filter((line) => line['audit'] === true);
    assert.equal(issued.length, POST_ENDPOINTS.length);
  });
});
