/**
 * Streams on which nothing happens for long outlive every time-out there is: heartbeats, keep-alive, idle
 * connections, waits for heads and bodies; and what then happens is passed on at once. All time-outs are
 * set to a second or less here, so that three quiet seconds stand for hours.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceRig } from '../harness/service-rig.js';
import type { TargetCall } from '../harness/scripted-target.js';
import { Http2Caller, http2Status, RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { percentile } from '../harness/latency.js';

const QUIET_MS = 3000;

let rig: ServiceRig;
before(async () => {
  const limits = {
    heartbeatIntervalMs: 100,
    heartbeatTimeoutMs: 1000,
    callerIdleTimeoutMs: 1000,
    callerHeadersTimeoutMs: 1000,
    callerBodyIdleTimeoutMs: 1000,
    responseHeadTimeoutMs: 1000,
    targetKeepAliveMs: 500,
    targetConnectTimeoutMs: 1000,
    connectTimeoutMs: 5000,
  };
  rig = await ServiceRig.start({ controller: { limits } });
});
after(async () => rig.stop());

test(`a watch that is quiet for ${QUIET_MS / 1000} s, three times every time-out, gets its event over h1 and h2`, async (t) => {
  const calls: TargetCall[] = [];
  rig.target.on.set('/watch', (call) => {
    calls.push(call);
    call.response.flushHeaders();
  });
  const raw = await RawCaller.ask(rig.identity, { path: '/watch?watch=true' });
  const http2Caller = await Http2Caller.connect(rig.identity);
  const stream = http2Caller.open('/watch?watch=true');
  let text = '';
  stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  // a quiet watch has its head long before its first event
  assert.equal(await http2Status(stream), 200);
  await waitFor('the head', () => raw.text.includes('HTTP/1.1 200'));
  await delay(QUIET_MS);
  const start = performance.now();
  for (const { response } of calls) response.write('event\n');
  await waitFor('the events', () => text === 'event\n' && raw.text.includes('event\n'));
  t.diagnostic(
    `events passed on ${(performance.now() - start).toFixed(0)} ms after ${QUIET_MS} ms of silence`,
  );
  for (const { response } of calls) response.end();
  await waitFor('the ends', () => stream.closed && raw.text.endsWith('0\r\n\r\n'));
  assert.equal(stream.rstCode, 0);
  raw.leave();
  http2Caller.close();
  assert.equal(rig.agent.lines.filter((line) => line.includes('"connected"')).length, 1);
  await rig.settled();
});

test(`a watch whose target sends no head for ${QUIET_MS / 1000} s is waited for; an ordinary request is not`, async () => {
  const calls: TargetCall[] = [];
  rig.target.on.set('/late', (call) => calls.push(call));
  const watch = rig.ask('/late?follow=true&tailLines=1');
  const ordinary = await rig.ask('/late');
  assert.equal(ordinary.status, 504);
  assert.equal(ordinary.headers['x-fairlead-error'], 'TARGET_SILENT');
  await delay(QUIET_MS - 1000);
  for (const { response } of calls) response.end('at last');
  const { status, text } = await watch;
  assert.deepEqual([status, text], [200, 'at last']);
  await rig.settled();
});

test(`an upgraded connection that is quiet for ${QUIET_MS / 1000} s still carries bytes both ways`, async () => {
  const taking = rig.target.takeSwitch();
  const caller = await RawCaller.ask(rig.identity, {
    path: '/exec',
    headers: ['Connection: Upgrade', 'Upgrade: websocket'],
  });
  const { socket } = await taking;
  let got = '';
  socket.on('data', (bytes: Buffer) => (got += bytes.toString()));
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  await waitFor('the switch', () => caller.text.includes(' 101 '));
  await delay(QUIET_MS);
  caller.socket.write('ping');
  await waitFor('bytes at the target', () => got === 'ping');
  socket.write('pong');
  await waitFor('bytes at the caller', () => caller.text.endsWith('pong'));
  caller.socket.end();
  socket.end();
  assert.equal(await caller.ended, 'end');
  await rig.settled();
});

test('an upload that pauses for less than the time-out again and again is carried to its end', async () => {
  const caller = await RawCaller.ask(rig.identity, {
    path: '/upload',
    method: 'POST',
    headers: ['Content-Length: 50'],
  });
  for (let i = 0; i < 5; i++) {
    caller.socket.write('0123456789');
    await delay(600);
  }
  await waitFor('the answer', () => caller.text.includes('"bytes":50'));
  caller.leave();
  await rig.settled();
});

test('lines of a followed log arrive as they are written, each within 200 ms, none waiting for the next', async (t) => {
  const LINES = 40;
  let log: ServerResponse | undefined;
  rig.target.on.set('/log', ({ response }) => {
    log = response;
    response.flushHeaders();
  });
  const caller = await Http2Caller.connect(rig.identity);
  const stream = caller.open('/log?follow=true');
  let text = '';
  stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  assert.equal(await http2Status(stream), 200);
  const late: number[] = [];
  for (let line = 0; line < LINES; line++) {
    const writtenMs = performance.now();
    log?.write(`${line}\n`);
    // the next line is written when this one is here: what gathers lines makes each of them late
    while (!text.endsWith(`${line}\n`)) await once(stream, 'data');
    late.push(performance.now() - writtenMs);
  }
  log?.end();
  await waitFor('the end of the log', () => stream.closed);
  const p50 = percentile(late, 50);
  t.diagnostic(
    `${LINES} lines, delay p50 ${p50.toFixed(1)} ms, largest ${Math.max(...late).toFixed(1)} ms`,
  );
  assert.ok(p50 < 100, `${p50} ms`);
  caller.close();
  await rig.settled();
});
