/**
 * Row 8: a thousand connected agents, played by one process, beside the one whose requests are measured;
 * then the controller is killed and started again.
 */
import { NEAR } from '../arena.js';
import { HOP } from '../contestant.js';
import { discardLog } from '../fairlead-tunnel.js';
import type { FairleadTunnel } from '../fairlead-tunnel.js';
import { idleMib } from '../held-streams.js';
import { connectAgents } from '../many-agents.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint, warmUp } from '../row.js';
import type { Bench, Row } from '../row.js';
import { Samples } from '../samples.js';
import { atLeast, atMost, judge } from '../verdict.js';

const AGENTS = 1000;
const QUICK_AGENTS = 200;
const CALLERS = 32;
/** Unchanged, but for the noise of a machine that others use too. */
const UNCHANGED = 0.95;
const KIB_PER_MIB = 1024;

export const manySessions: Row = {
  number: 8,
  title: 'many agents connected',
  run: async (bench) => {
    const samples = new Samples();
    const count = bench.isQuick ? QUICK_AGENTS : AGENTS;
    for (let round = 0; round < (bench.isQuick ? 1 : bench.rounds); round++) {
      const tunnel = await bench.arena.freshFairlead({ agents: [NEAR] });
      try {
        await measure(bench, samples, tunnel, count);
      } finally {
        await tunnel.stop();
      }
    }
    const many = `${count} agents`;
    const row = 8;
    const findings = [
      judge({
        row,
        what: `controller, each of ${many}`,
        goal: atMost(150, 'KiB'),
        values: samples.of(many, 'controller KiB each'),
      }),
      judge({
        row,
        what: `all of ${many} back after the controller was killed`,
        goal: atMost(30, 's'),
        values: samples.of(many, 'back after s'),
      }),
      judge({
        row,
        what: `requests/s beside ${many}`,
        goal: atLeast(UNCHANGED, 'x'),
        values: samples.ratio('requests/s', many, ALONE),
        // it has nothing to do with agents: what it loses is what the process that plays them takes
        limit: {
          what: HOP,
          values: samples.ratio('requests/s', hopBeside(many), hopBeside(ALONE)),
        },
      }),
    ];
    return { samples, findings };
  },
};

const ALONE = 'one agent';

function hopBeside(agents: string): string {
  return `${HOP} beside ${agents}`;
}

async function measure(
  bench: Bench,
  samples: Samples,
  tunnel: FairleadTunnel,
  count: number,
): Promise<void> {
  const { arena, seconds, tell } = bench;
  const many = `${count} agents`;
  tell(`row 8: ${many}`);
  await tunnel.startAgent(NEAR, await arena.target());
  const endpoint = tunnel.tokenCaller(NEAR);
  const contestant = tunnel.contestant(ALONE, NEAR, endpoint);
  const hop = await arena.proxyHop();
  const point = async (name: string): Promise<void> => {
    for (const one of [
      { ...contestant, name },
      { ...hop, name: hopBeside(name) },
    ]) {
      const load = () => wrkLoad(one.endpoint, { callers: CALLERS, seconds });
      await arena.optional(() => addLoadPoint(samples, one, load));
    }
  };
  // before any load: a heap that was busy hides what sessions cost
  const [before] = await idleMib(contestant);
  const agents = await connectAgents(tunnel, count);
  try {
    const [after] = await idleMib(contestant);
    samples.add(many, 'connected/s', count / agents.seconds);
    samples.add(many, 'controller KiB each', ((after - before) * KIB_PER_MIB) / count);
    await warmUp(bench, [contestant, hop]);
    await point(many);
  } finally {
    await agents.stop();
  }
  await point(ALONE);
  samples.add(many, 'back after s', await secondsUntilBack(tunnel, count));
}

/** Kills the controller, starts it again, and waits for all agents. */
async function secondsUntilBack(tunnel: FairleadTunnel, count: number): Promise<number> {
  const agents = await connectAgents(tunnel, count);
  try {
    const start = performance.now();
    await tunnel.rig.controller.stop('SIGKILL');
    discardLog(await tunnel.rig.startController());
    await agents.back();
    return (performance.now() - start) / 1000;
  } finally {
    await agents.stop();
  }
}
