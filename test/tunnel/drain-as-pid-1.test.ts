import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { FAIRLEAD, FairleadRig } from '../harness/fairlead-rig.js';
import { ServiceCaller } from '../harness/service-caller.js';
import { waitFor } from '../harness/wait-for.js';
import { WebTarget } from '../harness/web-target.js';

/** A process whose first child is PID 1 of a namespace of its own, as in a container. */
const AS_PID_1 = ['--fork', '--pid', '--kill-child', '--'];
const hasNamespaces = spawnSync('unshare', [...AS_PID_1, 'true']).status === 0;

describe(
  'signals to an agent that is PID 1, where the kernel has no default actions',
  { timeout: 60_000, skip: hasNamespaces ? false : 'no PID namespaces here' },
  () => {
    let rig: FairleadRig;
    let target: WebTarget;

    before(async () => {
      target = await WebTarget.start();
      rig = await FairleadRig.start();
    });

    after(async () => {
      await rig.stop();
      await target.close();
    });

    it('the first drains, the second ends it at once', async () => {
      const agent = await startAsPid1(await rig.writeAgentFiles({ services: [target.service()] }));
      await agent.saw('"connected"');
      const caller = new ServiceCaller(rig);
      const begun = await caller.begin('/quiet');
      agent.kill('SIGTERM');
      await agent.saw('agent stops');
      const stoppedAt = performance.now();
      agent.kill('SIGTERM');
      assert.equal(await agent.exited, 143);
      assert.ok(performance.now() - stoppedAt < 1500);
      assert.equal((await begun.outcome).isWhole, false);
      caller.close();
    });

    it('one signal is enough when nothing is under way', async () => {
      const agent = await startAsPid1(await rig.writeAgentFiles({ services: [target.service()] }));
      await agent.saw('"connected"');
      agent.kill('SIGTERM');
      assert.equal(await agent.exited, 0);
    });
  },
);

interface Pid1 {
  saw(text: string): Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

async function startAsPid1(config: string): Promise<Pid1> {
  const args = [...AS_PID_1, process.execPath, FAIRLEAD, 'agent', '--config', config];
  const outer: ChildProcess = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  if (outer.stdout !== null) createInterface(outer.stdout).on('line', (line) => lines.push(line));
  const exited = once(outer, 'close').then(([code]: unknown[]) => Number(code));
  const pid = outer.pid ?? 0;
  const inner = await waitFor('the process inside', () => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children !== '' && Number(children.split(' ')[0]);
  });
  return {
    saw: (text) => waitFor(text, () => lines.some((line) => line.includes(text))),
    kill: (signal) => process.kill(inner, signal),
    exited,
  };
}
