/**
 * A switched connection whose one half ends and which breaks before that end has left: both come in one
 * message of the peer. The connection is closed, its descriptor is given back, and the process can end.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Frame } from '../../shared/protocol/frame.js';
import { serviceToken } from '../harness/caller-credentials.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { openDescriptors } from '../harness/process-memory.js';
import { RawAgent } from '../harness/raw-agent.js';
import { ScriptedTarget } from '../harness/scripted-target.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

const UPGRADE = ['Connection', 'Upgrade', 'Upgrade', 'x'];

describe('a connection that was switched, ended and broken at once', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: ScriptedTarget;
  let agent: RawAgent;
  let descriptors = 0;

  beforeEach(async () => {
    target = await ScriptedTarget.start();
    const config = { url: `http://127.0.0.1:${target.port}` };
    const front50 = { enabled: true, type: 'front50', name: 'front50', config };
    rig = await FairleadRig.start({
      controller: { services: { outgoingServices: [front50] } },
    });
    agent = await RawAgent.connect(rig);
    descriptors = openDescriptors(rig.controller.pid);
  });

  afterEach(async () => {
    agent.destroy();
    await rig.stop();
    await target.close();
  });

  test('is over for a caller', async () => {
    const token = serviceToken(rig, 'rogue/generic/raw');
    const identity = { port: rig.ports.services, ca: rig.caPem, token };
    const headers = ['Connection: Upgrade', 'Upgrade: x'];
    const caller = await RawCaller.ask(identity, { path: '/exec', headers });
    const { stream } = await agent.frame('open');
    agent.send(switchedHead(stream));
    await waitFor('the switch', () => caller.text.includes(' 101 '));
    agent.send(...endAndBreak(stream));
    await caller.ended;
    caller.leave();
    await assertNothingLeft();
  });

  test('is over for a target', async () => {
    const taking = target.takeSwitch();
    const service = { type: 'front50', name: 'front50' };
    const request = { service, method: 'GET', target: '/exec', headers: UPGRADE, ended: false };
    agent.send({ kind: 'open', stream: 1, ...request, upgrade: true, window: 65_536 });
    const { socket } = await taking;
    let isEnded = false;
    socket.on('end', () => (isEnded = true)).on('error', () => (isEnded = true));
    socket.resume();
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    await agent.frame('head');
    agent.send(...endAndBreak(1));
    await waitFor('the end at the target', () => isEnded);
    socket.destroy();
    await assertNothingLeft();
  });

  async function assertNothingLeft(): Promise<void> {
    const { controller } = rig;
    const isBack = (): boolean => openDescriptors(controller.pid) <= descriptors;
    await waitFor('its descriptor to be given back', isBack);
    agent.destroy();
    assert.equal(await controller.stop(), 0);
  }
});

function switchedHead(stream: number): Frame {
  return { kind: 'head', stream, status: 101, reason: '', headers: UPGRADE, ended: false };
}

function endAndBreak(stream: number): Frame[] {
  return [
    { kind: 'end', stream, trailers: [] },
    { kind: 'reset', stream, code: 'TARGET_BROKE_OFF', message: 'broke off', retryAfterSeconds: 0 },
  ];
}
