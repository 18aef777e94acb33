/** When a peer counts as gone, when it must not, and the round-trip time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Heartbeat } from '../../../shared/protocol/heartbeat.js';
import { FakeClock } from '../../harness/fake-clock.js';

describe('a heartbeat', () => {
  it('pings at once and then at its interval', () => {
    const { clock, pings } = start();
    assert.deepEqual(pings, [1]);
    clock.advance(10_000);
    clock.advance(10_000);
    assert.deepEqual(pings, [1, 2, 3]);
  });

  it('gives a silent peer up after the timeout, once, and stops its timers', () => {
    const { clock, deaths } = start();
    clock.advance(24_999);
    assert.deepEqual(deaths, []);
    clock.advance(1000);
    assert.deepEqual(deaths, [25_000]);
    clock.advance(100_000);
    assert.equal(deaths.length, 1);
    assert.equal(clock.timerCount, 0);
  });

  it('does so at the moment the time is over, also between two looks', () => {
    const { clock, heartbeat, deaths } = start();
    clock.advance(10_300);
    heartbeat.heard();
    clock.advance(24_999);
    assert.deepEqual(deaths, []);
    clock.advance(1);
    assert.deepEqual(deaths, [25_000]);
    assert.equal(clock.timerCount, 0);
  });

  it('keeps a peer that says anything at all', () => {
    const { clock, heartbeat, deaths } = start();
    for (let i = 0; i < 20; i++) {
      clock.advance(20_000);
      heartbeat.heard();
    }
    assert.deepEqual(deaths, []);
  });

  it('hears what waits in the socket before it judges, after this process was stopped', () => {
    const { clock, heartbeat, deaths } = start();
    clock.jump(3_600_000);
    assert.deepEqual(deaths, [], 'the silence was ours');
    heartbeat.heard();
    clock.advance(20_000);
    assert.deepEqual(deaths, []);
  });

  it('hears first, too, when it was stopped for some seconds shortly before the timeout', () => {
    const { clock, deaths } = start({ intervalMs: 10_000, timeoutMs: 15_000 });
    clock.advance(9900);
    clock.jump(6000);
    assert.deepEqual(deaths, []);
  });

  it('gives a peer up that is gone when this process goes on', () => {
    const { clock, deaths } = start();
    clock.jump(3_600_000);
    clock.advance(25_000);
    assert.equal(deaths.length, 1);
  });

  it('does not take a stall of this process for silence of the peer when the timeout is short', () => {
    const { clock, deaths } = start({ intervalMs: 500, timeoutMs: 1500 });
    clock.jump(2000);
    assert.deepEqual(deaths, []);
    clock.advance(1600);
    assert.equal(deaths.length, 1);
  });

  it('smooths the round trip: the first sample as it is, later ones by an eighth', () => {
    const { clock, heartbeat, rtts } = start();
    clock.advance(80);
    assert.equal(heartbeat.pong(1), true);
    assert.equal(heartbeat.rttMs, 80);
    const id = heartbeat.ping();
    clock.advance(160);
    heartbeat.pong(id);
    assert.deepEqual(rtts, [80, 90]);
  });

  it('knows the path by the least of the round trips, however many have waited in queues since', () => {
    const { clock, heartbeat } = start();
    assert.equal(heartbeat.pathRttMs, undefined);
    for (const ms of [80, 20, ...new Array<number>(100).fill(90)]) {
      const id = heartbeat.ping();
      clock.advance(ms);
      heartbeat.pong(id);
    }
    assert.equal(heartbeat.pathRttMs, 20);
  });

  it('ignores answers that nobody asked for', () => {
    const { clock, heartbeat, rtts } = start();
    clock.advance(10);
    assert.equal(heartbeat.pong(77), false);
    assert.equal(heartbeat.pong(1), true);
    assert.equal(heartbeat.pong(1), false, 'a second answer');
    assert.deepEqual(rtts, [10]);
  });

  it('is quiet after it was stopped', () => {
    const { clock, heartbeat, pings, deaths } = start();
    heartbeat.stop();
    heartbeat.stop();
    clock.advance(100_000);
    assert.deepEqual([pings.length, deaths.length, clock.timerCount], [1, 0, 0]);
  });

  it('does not hold the process open', () => {
    assert.equal(start().clock.keepAliveCount, 0);
  });
});

function start({ intervalMs = 10_000, timeoutMs = 25_000 } = {}) {
  const clock = new FakeClock();
  const pings: number[] = [];
  const deaths: number[] = [];
  const rtts: number[] = [];
  const heartbeat = new Heartbeat({
    clock,
    intervalMs,
    timeoutMs,
    sendPing: (id) => pings.push(id),
    onDead: (silentMs) => deaths.push(silentMs),
    onRtt: (rttMs) => rtts.push(rttMs),
  });
  return { clock, heartbeat, pings, deaths, rtts };
}
