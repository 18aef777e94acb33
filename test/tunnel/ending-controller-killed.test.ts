/**
 * The controller is killed (kill -9) in the middle of bodies: the callers' connections break, the agent
 * lets go of the targets, and serves again when the controller is back.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServiceRig } from '../harness/service-rig.js';
import { Http2Caller, http2Status, RawCaller } from '../harness/slow-caller.js';
import { waitFor } from '../harness/wait-for.js';

let rig: ServiceRig;
before(async () => {
  rig = await ServiceRig.start({
    controller: { limits: { reconnectMinMs: 50, reconnectMaxMs: 200 } },
  });
});
after(async () => rig.stop());

test('a killed controller breaks the bodies under way; targets are let go and the agent returns', async (t) => {
  rig.target.on.set('/watch', ({ response }) => response.write('begun\n'));
  const raw = await RawCaller.ask(rig.identity, { path: '/watch' });
  await waitFor('the body to begin', () => raw.text.includes('begun'));
  const http2Caller = await Http2Caller.connect(rig.identity);
  const stream = http2Caller.open('/watch');
  let isWhole = false;
  stream.resume();
  stream.on('end', () => (isWhole = stream.rstCode === 0 && !stream.aborted));
  assert.equal(await http2Status(stream), 200);

  const start = performance.now();
  rig.fairlead.controller.process.kill('SIGKILL');
  await raw.ended;
  assert.ok(!raw.text.endsWith('0\r\n\r\n'));
  await waitFor('the stream to close', () => stream.closed);
  assert.equal(isWhole, false);
  await waitFor('the target to be let go', () => rig.target.connections === 0);
  t.diagnostic(`target let go ${(performance.now() - start).toFixed(0)} ms after kill -9`);

  await rig.fairlead.controller.exited;
  const back = performance.now();
  await rig.fairlead.startController();
  await waitFor('service', async () => {
    const answer = await rig.ask('/ok').catch(() => undefined);
    return answer?.status === 200;
  });
  t.diagnostic(`served again ${(performance.now() - back).toFixed(0)} ms after its start`);
  await rig.settled();
});
