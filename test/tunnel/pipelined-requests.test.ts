/**
 * Requests that an HTTP/1.1 caller sends without waiting for answers: whoever leaves takes all of them
 * along, and a switch of protocols cannot stand behind one that is not answered.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ServiceRig } from '../harness/service-rig.js';
import { RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

describe('pipelined requests', { timeout: 60_000 }, () => {
  let rig: ServiceRig;
  before(async () => {
    rig = await ServiceRig.start();
    rig.target.on.set('/watch', ({ response }) => response.write('event\n'));
  });
  after(() => rig.stop());

  const request = (path: string, ...lines: string[]): string =>
    [
      `GET ${path} HTTP/1.1`,
      'Host: localhost',
      `X-Opsmx-Token: ${rig.token}`,
      ...lines,
      '',
      '',
    ].join('\r\n');

  test('end at the target, all of them, when their caller leaves', async () => {
    const caller = await RawCaller.connect(rig.identity);
    caller.socket.write(request('/watch').repeat(20));
    await waitFor('all at the target', () => rig.target.connections === 20);
    caller.leave();
    await waitFor('the end of all', () => rig.target.connections === 0);
    await rig.settled();
  });

  test('are broken off when a switch of protocols follows: its bytes would be mixed with theirs', async () => {
    let switches = 0;
    rig.target.onSwitch = ({ socket }) => {
      switches++;
      socket.end('HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nswitched');
    };
    const caller = await RawCaller.connect(rig.identity);
    caller.socket.write(request('/watch') + request('/exec', 'Connection: Upgrade', 'Upgrade: x'));
    assert.equal(await caller.ended, 'reset');
    assert.ok(!caller.text.includes('101'), caller.text);
    assert.equal(switches, 0);
    await rig.settled();
  });
});
