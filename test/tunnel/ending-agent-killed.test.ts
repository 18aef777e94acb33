/**
 * The agent is killed (kill -9) while bodies are under way: no caller may take what it got for the whole,
 * whatever frames the body; and a caller whose response had not begun is told so.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FrameCaller } from '../harness/h2-frames.js';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, http2Status, RawCaller } from '../harness/slow-caller.js';
import type { CallerRequest } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const LENGTH = 1_000_000;

let rig: ServiceRig;
before(async () => {
  // a request after the kill is told at once that the agent is away
  rig = await ServiceRig.start({ controller: { limits: { agentWaitMs: 0 } } });
  rig.target.on.set('/chunked', ({ response }) => response.write('begun\n'));
  rig.target.on.set('/framed', ({ response }) => {
    response.setHeader('Content-Length', LENGTH);
    response.write('begun\n');
  });
  rig.target.on.set('/silent', () => undefined);
});
after(async () => rig.stop());

test('a killed agent breaks every body under way: chunked, with length, HTTP/1.0, HTTP/2', async (t) => {
  const raw = await Promise.all(
    (
      [
        { path: '/chunked' },
        { path: '/framed' },
        { path: '/chunked', version: '1.0' },
        { path: '/framed', version: '1.0' },
        { path: '/chunked', headers: ['Connection: close'] },
      ] satisfies CallerRequest[]
    ).map(async (request) => RawCaller.ask(rig.identity, request)),
  );
  const http2Caller = await Http2Caller.connect(rig.identity);
  const streams = ['/chunked', '/framed'].map((path) => http2Caller.open(path));
  for (const stream of streams) stream.resume();
  const frames = await FrameCaller.ask(rig.identity, '/chunked');
  await Promise.all(streams.map(http2Status));
  for (const caller of raw) await waitFor('the body to begin', () => caller.text.includes('begun'));
  const silent = rig.ask('/silent');
  const posted = rig.ask('/silent', { method: 'POST', body: 'x' });
  await waitFor('all requests at the target', () => rig.target.seen.length >= 10);
  await waitFor('data on the wire', () => frames.ofStream.some((one) => one.type === 'data'));

  rig.agent.process.kill('SIGKILL');
  const start = performance.now();
  const endings = await Promise.all(raw.map(async (caller) => caller.ended));
  await Promise.all(
    streams.map(async (stream) => waitFor('the stream to close', () => stream.closed)),
  );
  t.diagnostic(`all broken ${(performance.now() - start).toFixed(0)} ms after kill -9`);

  for (const [i, caller] of raw.entries()) {
    assert.ok(!caller.text.endsWith('0\r\n\r\n'), 'no last chunk');
    // with HTTP/1.0 an orderly close would be the end of the body
    if (i === 2) assert.equal(endings[i], 'reset', 'an unframed body ends with a reset');
  }
  assert.deepEqual(
    streams.map((stream) => stream.rstCode),
    [2, 2],
    'RST_STREAM with INTERNAL_ERROR',
  );
  http2Caller.close();
  await waitFor('a reset on the wire', () => frames.ofStream.some((one) => one.type === 'rst'));
  assert.deepEqual(
    frames.ofStream.filter((one) => one.endStream),
    [],
    'a strict client would take the body for whole at END_STREAM',
  );
  frames.close();

  const { status, headers } = await posted;
  assert.deepEqual([status, headers['x-fairlead-error']], [502, 'AGENT_LOST']);
  // safe to repeat, and there is nobody to repeat it: the caller is asked to
  const asked = await silent;
  assert.deepEqual([asked.status, asked.headers['x-fairlead-error']], [503, 'AGENT_NOT_CONNECTED']);
  assert.notEqual(asked.headers['retry-after'], undefined);
  const [streamsOpen] = await rig.metrics('fairlead_streams_open');
  assert.equal(streamsOpen, 0);
  const after = await rig.ask('/ok');
  assert.equal(after.status, 503);
  assert.notEqual(after.headers['retry-after'], undefined);
  await waitFor('the target to lose its callers', () => rig.target.connections === 0);
});
