/**
 * Names that do not resolve yet, or not for a while: an agent keeps trying to reach its controller, and a
 * target is reached as soon as its name is known. Nothing is restarted.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ChildProgram, LogLine } from '../../deploy/demo/child-program.js';
import { FairleadRig } from '../harness/fairlead-rig.js';
import { NameService } from '../harness/name-service.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

const CONTROLLER = 'controller.test';
const TARGET = 'jenkins.test';
const LIMITS = { reconnectMinMs: 50, reconnectMaxMs: 200 };

describe('an agent', { timeout: 60_000 }, () => {
  let rig: FairleadRig;
  let target: WebTarget;
  let names: NameService;
  let caller: ServiceCaller;

  before(async () => {
    target = await WebTarget.start();
    names = new NameService();
    rig = await FairleadRig.start({ controller: { serverNames: ['127.0.0.1', CONTROLLER] } });
    caller = new ServiceCaller(rig);
  });

  after(async () => {
    caller.close();
    await rig.stop();
    await target.close();
    names.stop();
  });

  it('whose controller has no name at first connects once it has, and again after it was lost', async () => {
    const agent = await rig.startAgent({
      services: [target.service()],
      config: { controllerHostname: `${CONTROLLER}:${rig.ports.agents}`, limits: LIMITS },
      env: names.env,
      waitConnected: false,
    });
    await triesInVain(agent);
    names.add(CONTROLLER);
    await connects(agent);
    assert.equal((await caller.call('/ok')).text, 'ok');

    names.remove(CONTROLLER);
    await rig.controller.stop('SIGKILL');
    await rig.startController();
    await triesInVain(agent);
    names.add(CONTROLLER);
    await connects(agent);
    assert.equal((await caller.call('/ok')).text, 'ok');
    assert.equal(await agent.stop('SIGTERM'), 0);
  });

  it('whose target has no name at first says so, and reaches it once it has', async () => {
    const config = { url: `http://${TARGET}:${target.port}` };
    const agent = await rig.startAgent({
      services: [{ type: 'generic', name: 'web', enabled: true, config }],
      env: names.env,
    });
    for (const method of ['GET', 'POST']) {
      const { status, code, text } = await caller.call('/ok', { method });
      assert.deepEqual([status, code], [502, 'TARGET_UNREACHABLE']);
      assert.match(text, /its host name does not resolve/u);
    }
    names.add(TARGET);
    const { status, text } = await caller.call('/ok');
    assert.deepEqual([status, text], [200, 'ok']);
    assert.equal(await agent.stop('SIGTERM'), 0);
  });
});

/** Waits until the agent has failed some times more for want of the name. */
async function triesInVain(agent: ChildProgram): Promise<void> {
  await logged(agent, 3, ({ msg, reason }) => {
    return msg === 'not connected' && String(reason).includes('its name does not resolve');
  });
}

async function connects(agent: ChildProgram): Promise<void> {
  await logged(agent, 1, ({ msg }) => msg === 'connected');
}

/** Waits for so many lines from now on. */
async function logged(
  agent: ChildProgram,
  times: number,
  matches: (line: LogLine) => boolean,
): Promise<void> {
  const from = agent.lines.length;
  await waitFor(`${times} lines in the log of the agent`, () => {
    const lines = agent.lines.slice(from).filter((line) => line.startsWith('{'));
    return lines.filter((line) => matches(JSON.parse(line) as LogLine)).length >= times;
  });
}
