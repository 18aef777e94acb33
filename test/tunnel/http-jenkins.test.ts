/**
 * igor's requests to Jenkins as its OkHttp client writes them, with the token as Basic password or as
 * Bearer: they reach the target byte for byte, and what Jenkins answers leads back to the controller.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { basic, serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { header } from '../harness/http-message.js';
import { RawClient } from '../harness/raw-http.js';
import type { RawResponse } from '../harness/raw-http.js';
import { RecordingTarget, answerOf } from '../harness/recording-target.js';

const DEEP = 'jobs[name,'.repeat(10) + 'jobs[name]' + ']'.repeat(10);
/** Method, path below the address of the master, as in igor's JenkinsClient. */
const CALLS: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['GET', `api/xml?tree=${DEEP}&exclude=/*/*/*/action[not(totalCount)]`],
  [
    'GET',
    'job/a/api/xml?exclude=/*/build/action[not(totalCount)]&tree=builds[number,url,duration]',
  ],
  ['GET', 'job/a/api/xml?tree=name,url,actions[processes[name]],downstreamProjects[name,url]'],
  [
    'GET',
    'job/a/api/xml?exclude=/*/action&exclude=/*/build&exclude=/*/property[not(parameterDefinition)]',
  ],
  [
    'GET',
    'job/folder%20one/job/b/12/api/xml?exclude=/*/action[not(build|lastBuiltRevision)]&tree=x',
  ],
  ['GET', 'job/multi/job/feature%252Fx/lastCompletedBuild/api/xml'],
  ['GET', 'queue/item/4711/api/xml'],
  ['POST', 'job/a/build', ''],
  ['POST', 'job/a/buildWithParameters?branch=release%2F1.2&msg=a%20b&empty=&msg=again', ''],
  ['POST', 'job/a/7/submitDescription', 'description=from+spinnaker%21'],
  ['POST', 'queue/cancelItem?id=4711', ''],
  ['GET', 'job/a/7/artifact/build/out%20put.properties'],
  ['GET', 'crumbIssuer/api/xml'],
];

let rig: FairleadRig;
let jenkins: RecordingTarget;
let token: string;
let origin: string;

before(async () => {
  jenkins = await RecordingTarget.start();
  rig = await FairleadRig.start();
  const url = `http://127.0.0.1:${jenkins.port}`;
  const credentials = {
    type: 'basic',
    username: Buffer.from('agent').toString('base64'),
    password: Buffer.from('api-token').toString('base64'),
  };
  await rig.startAgent({
    services: [{ enabled: true, type: 'jenkins', name: 'ci', config: { url, credentials } }],
  });
  token = serviceToken(rig, 'prod/jenkins/ci');
  origin = `https://localhost:${rig.ports.services}`;
});

after(async () => {
  await rig?.stop();
  await jenkins?.close();
});

beforeEach(() => jenkins.forget());

/** A request as OkHttp writes it. */
function igorRequest(method: string, target: string, authorization: string, body?: string): string {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Accept: application/xml',
    'User-Agent: Spinnaker-igor',
    'X-SPINNAKER-USER: anne@example.com',
    'X-SPINNAKER-EXECUTION-ID: 01ARZ3NDEK',
    `Authorization: ${authorization}`,
    ...(body === undefined ? [] : ['Content-Type: application/x-www-form-urlencoded']),
    ...(body === undefined ? [] : [`Content-Length: ${body.length}`]),
    `Host: localhost:${rig.ports.services}`,
    'Connection: Keep-Alive',
    'Accept-Encoding: gzip',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

async function connect(): Promise<RawClient> {
  const tls = { ca: rig.caPem, alpn: ['h2', 'http/1.1'].slice(1) };
  return RawClient.connect({ port: rig.ports.services, tls });
}

for (const prefix of ['/', '/agents/prod/jenkins/ci/']) {
  for (const scheme of ['Basic', 'Bearer']) {
    test(`igor's requests pass below ${prefix} with the token as ${scheme}`, async () => {
      const client = await connect();
      const authorization = scheme === 'Basic' ? basic(token, 'igor') : `Bearer ${token}`;
      for (const [method, path, body] of CALLS) {
        jenkins.forget();
        jenkins.answer = () => answerOf(200, ['Content-Type', 'application/xml'], '<x/>');
        const request = igorRequest(method, prefix + path, authorization, body);
        assert.equal((await client.exchange(request)).text, '<x/>');
        const seen = await jenkins.request();
        assert.equal(seen.target, `/${path}`);
        assert.equal(seen.body.toString(), body ?? '');
        assert.equal(header(seen.headers, 'authorization'), basic('api-token', 'agent'));
        assert.equal(header(seen.headers, 'user-agent'), 'Spinnaker-igor');
        assert.equal(header(seen.headers, 'accept-encoding'), 'gzip');
        assert.equal(header(seen.headers, 'host'), `127.0.0.1:${jenkins.port}`);
        assert.ok(!seen.head.includes(token));
      }
      client.destroy();
    });
  }
}

test('a crumb is passed both ways', async () => {
  const client = await connect();
  jenkins.answer = () =>
    answerOf(200, ['Set-Cookie', 'JSESSIONID=1; HttpOnly'], '<crumb>abc</crumb>');
  const crumb = await client.exchange(igorRequest('GET', '/crumbIssuer/api/xml', basic(token)));
  assert.equal(crumb.text, '<crumb>abc</crumb>');
  assert.equal(header(crumb.headers, 'set-cookie'), 'JSESSIONID=1; HttpOnly');
  jenkins.forget();
  const request = igorRequest('POST', '/job/a/build', basic(token), '');
  await client.exchange(
    request.replace('Accept:', 'Jenkins-Crumb: abc\r\nCookie: JSESSIONID=1\r\nAccept:'),
  );
  const { headers } = await jenkins.request();
  assert.equal(header(headers, 'jenkins-crumb'), 'abc');
  assert.equal(header(headers, 'cookie'), 'JSESSIONID=1');
  client.destroy();
});

test('starting a build answers 201 whose Location ends with the queue item', async () => {
  const client = await connect();
  // Stapler builds it from the Host of the request, which is the target's own
  jenkins.answer = ({ headers }) =>
    answerOf(201, ['Location', `http://${header(headers, 'host') ?? ''}/queue/item/4711/`]);
  const response = await client.exchange(igorRequest('POST', '/job/a/build', basic(token), ''));
  assert.equal(response.status, 201);
  const location = header(response.headers, 'location') ?? '';
  assert.equal(location.replace(/\/$/, '').split('/').at(-1), '4711');
  assert.ok(location.startsWith(`${origin}/`));
  client.destroy();
});

test('a redirect is followed through the controller with the same credential', async () => {
  for (const prefix of ['', '/agents/prod/jenkins/ci']) {
    const client = await connect();
    jenkins.answer = ({ method, headers }) =>
      method === 'POST'
        ? answerOf(302, ['Location', `http://${header(headers, 'host') ?? ''}/job/a/7/`])
        : answerOf(200, [], 'build page');
    const first = await client.exchange(
      igorRequest('POST', `${prefix}/job/a/7/stop`, basic(token), ''),
    );
    assert.equal(first.status, 302);
    const location = header(first.headers, 'location') ?? '';
    assert.equal(location, `${origin}${prefix}/job/a/7/`);
    const followed = new URL(location);
    const second: RawResponse = await client.exchange(
      igorRequest('GET', followed.pathname, basic(token)),
    );
    assert.equal(second.text, 'build page');
    assert.equal(jenkins.requests.at(-1)?.target, '/job/a/7/');
    client.destroy();
  }
});

test('what Jenkins refuses reaches igor as it is', async () => {
  const client = await connect();
  for (const status of [401, 403, 404, 500, 503]) {
    jenkins.answer = () =>
      answerOf(status, ['WWW-Authenticate', 'Basic realm="Jenkins"'], '<html/>');
    const response = await client.exchange(igorRequest('GET', '/job/x/api/xml', basic(token)));
    assert.deepEqual([response.status, response.text], [status, '<html/>']);
    assert.equal(header(response.headers, 'www-authenticate'), 'Basic realm="Jenkins"');
  }
  client.destroy();
});
