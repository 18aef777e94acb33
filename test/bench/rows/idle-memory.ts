/**
 * Row 9: processes that are connected and have nothing to do. Beside Node alone and Node with grpc-js
 * loaded, which is what any agent of this kind starts from.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ChildProgram } from '../../../deploy/demo/child-program.js';
import { residentMib, untilIdle } from '../../harness/process-memory.js';
import { NEAR } from '../arena.js';
import { idleMib } from '../held-streams.js';
import type { Bench, Row } from '../row.js';
import { Samples } from '../samples.js';
import { atMost, judge } from '../verdict.js';

const SETTLE_MS = 10_000;
const QUICK_SETTLE_MS = 4_000;
const MEASURE = 'resident MiB';
const BASES = {
  'Node alone': '',
  'Node with grpc-js loaded': 'await import("@grpc/grpc-js");',
} as const;

export const idleMemory: Row = {
  number: 9,
  title: 'idle processes',
  run: async (bench) => {
    const samples = new Samples();
    for (let round = 0; round < bench.rounds; round++) {
      bench.tell('row 9: idle processes');
      await addBases(bench, samples);
      await addFairlead(bench, samples);
    }
    const grpc = {
      what: 'Node with grpc-js loaded',
      values: samples.of('Node with grpc-js loaded', MEASURE),
    };
    const goal = { agent: 72, controller: 90 };
    const findings = (['agent', 'controller'] as const).map((role) =>
      judge({
        row: 9,
        what: `idle ${role}`,
        goal: atMost(goal[role], 'MiB'),
        values: samples.of(`Fairlead ${role}`, MEASURE),
        limit: grpc,
      }),
    );
    return { samples, findings };
  },
};

async function addFairlead({ arena, isQuick }: Bench, samples: Samples): Promise<void> {
  const tunnel = await arena.freshFairlead({ agents: [NEAR] });
  try {
    await tunnel.startAgent(NEAR, await arena.target());
    await delay(isQuick ? QUICK_SETTLE_MS : SETTLE_MS);
    const contestant = tunnel.contestant('Fairlead', NEAR, tunnel.plainCaller(NEAR));
    const [controller, agent] = await idleMib(contestant);
    samples.add('Fairlead agent', MEASURE, agent);
    samples.add('Fairlead controller', MEASURE, controller);
  } finally {
    await tunnel.stop();
  }
}

async function addBases({ isQuick }: Bench, samples: Samples): Promise<void> {
  for (const [name, loads] of Object.entries(BASES)) {
    const script = `${loads} process.stdin.resume(); console.log('ready');`;
    const args = ['--input-type=module', '-e', script];
    const program = new ChildProgram({ name, args });
    try {
      await program.until(() => program.lines.includes('ready'));
      await untilIdle([program.pid]);
      await delay(isQuick ? 0 : SETTLE_MS / 2);
      samples.add(name, MEASURE, residentMib(program.pid));
    } finally {
      await program.stop('SIGKILL');
    }
  }
}
