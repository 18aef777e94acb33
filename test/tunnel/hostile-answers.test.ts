/**
 * Answers that no honest agent gives: bodies of another length than announced, heads and trailers that no
 * protocol can carry, a switch that nobody asked for. Each costs its own request; the caller's connection
 * brings nobody else's answer, and the controller serves on.
 */
import assert from 'node:assert/strict';
import * as https from 'node:https';
import { after, before, describe, test } from 'node:test';
import type { Frame, OpenFrame } from '../../shared/protocol/frame.js';
import { serviceToken } from '../harness/caller-credentials.js';
import { Http2Client } from '../harness/raw-http.js';
import { RawAgent } from '../harness/raw-agent.js';
import { ServiceRig } from '../harness/service-rig.js';
import { RawCaller } from '../harness/slow-caller.js';

type Answer = (stream: number) => Frame[];

const head = (stream: number, headers: string[], more: Partial<Frame> = {}): Frame =>
  ({ kind: 'head', stream, status: 200, reason: '', headers, ended: false, ...more }) as Frame; // as a test writes it
const data = (stream: number, text: string): Frame => ({
  kind: 'data',
  stream,
  bytes: Buffer.from(text),
});
const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';

describe('an agent with a valid certificate that answers', { timeout: 60_000 }, () => {
  let rig: ServiceRig;
  let rogue: RawAgent;
  let answer: Answer;

  before(async () => {
    rig = await ServiceRig.start();
    rogue = await RawAgent.connect(rig.fairlead);
    rogue.onFrame = (frame: Frame) => {
      if (frame.kind === 'open') rogue.send(...answer((frame satisfies OpenFrame).stream));
    };
  });

  after(async () => {
    rogue.destroy();
    await rig.stop();
  });

  const answers: readonly { what: string; answer: Answer }[] = [
    {
      what: 'more body than announced',
      answer: (stream) => [
        head(stream, ['Content-Length', '5']),
        data(stream, 'hello'),
        data(stream, POISON),
        { kind: 'end', stream, trailers: [] },
      ],
    },
    {
      what: 'less body than announced',
      answer: (stream) => [
        head(stream, ['Content-Length', '50']),
        data(stream, 'hello'),
        { kind: 'end', stream, trailers: [] },
      ],
    },
    {
      what: 'no body where one was announced',
      answer: (stream) => [head(stream, ['Content-Length', '5'], { ended: true })],
    },
    {
      what: 'two lengths',
      answer: (stream) => [
        head(stream, ['Content-Length', '5', 'Content-Length', '60']),
        data(stream, 'hello'),
        data(stream, POISON),
      ],
    },
    {
      what: 'a body after 204',
      answer: (stream) => [head(stream, [], { status: 204 }), data(stream, POISON)],
    },
    {
      what: 'a switch of protocols that nobody asked for',
      answer: (stream) => [head(stream, ['Upgrade', 'x'], { status: 101 }), data(stream, POISON)],
    },
    {
      what: 'trailers that belong to a connection, and a pseudo-header among them',
      answer: (stream) => [
        head(stream, ['Trailer', 'X-T']),
        data(stream, 'hello'),
        { kind: 'end', stream, trailers: ['Connection', 'x', 'Keep-Alive', '1', ':status', '200'] },
      ],
    },
    {
      what: 'a header with a line end in it',
      answer: (stream) => [head(stream, ['X-A', 'b\r\nX-Evil: 1'])],
    },
  ];
  for (const { what, answer: given } of answers) {
    test(`${what} harms its own request only`, async () => {
      answer = given;
      const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
      const rogueToken = serviceToken(rig.fairlead, 'rogue/generic/raw');
      // over one connection: what came of the first must not be taken for the second
      const first = await ask(agent, rogueToken);
      assert.ok(!first.includes('poison') && !first.includes('Evil'), first);
      assert.equal(await ask(agent, rig.token), '200 ok');
      agent.destroy();

      const { port, ca } = rig.identity;
      const h2 = await Http2Client.connect({ port, tls: { ca } });
      const rogueAnswer = await h2.request({ ':path': '/', 'x-opsmx-token': rogueToken });
      assert.ok(!rogueAnswer.text.includes('poison'), rogueAnswer.text);
      assert.equal((await h2.request({ ':path': '/ok', 'x-opsmx-token': rig.token })).text, 'ok');
      h2.close();
      await rig.settled();
    });
  }

  test('an upgrade with a refusal that cannot be sent: the caller gets one of ours', async () => {
    answer = (stream) => [head(stream, ['X-A', 'b\r\nX-Evil: 1'])];
    const token = serviceToken(rig.fairlead, 'rogue/generic/raw');
    const caller = await RawCaller.ask(
      { ...rig.identity, token },
      { path: '/exec', headers: ['Connection: Upgrade', 'Upgrade: x'] },
    );
    await caller.ended;
    assert.match(caller.text, /^HTTP\/1\.1 502 /u);
    await rig.settled();
  });

  /** Status and body, or how it broke. */
  function ask(agent: https.Agent, token: string): Promise<string> {
    const { port, ca } = rig.identity;
    const options = { agent, host: '127.0.0.1', servername: 'localhost', port, ca, path: '/ok' };
    return new Promise((resolve) => {
      const request = https.request({ ...options, headers: { 'X-Opsmx-Token': token } });
      request.on('error', (reason) => resolve(`broken: ${reason.message}`));
      request.on('response', (response) => {
        let text = '';
        response.on('data', (bytes: Buffer) => (text += bytes.toString()));
        response.on('end', () => resolve(`${response.statusCode ?? 0} ${text}`));
        response.on('error', (reason) => resolve(`broken: ${reason.message}`));
      });
      request.end();
    });
  }
});
