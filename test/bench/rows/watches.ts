/**
 * Row 7: very many watches in which nothing happens, and then one event in each. Processes are fresh in
 * every round, as no watch must be put into memory that an earlier one has left.
 */
import { z } from 'zod';
import { NEAR } from '../arena.js';
import { reportOf } from '../bench-program.js';
import { firstUse, holdStreams, idleMib } from '../held-streams.js';
import type { Bench, Row } from '../row.js';
import { Samples } from '../samples.js';
import { atLeast, atMost, judge } from '../verdict.js';

const WATCHES = 10_000;
const QUICK_WATCHES = 2_000;
const KIB_PER_MIB = 1024;
const EVENTS_MS = 30_000;

export const watches: Row = {
  number: 7,
  title: 'idle watches',
  run: async (bench) => {
    const samples = new Samples();
    const count = bench.isQuick ? QUICK_WATCHES : WATCHES;
    const name = `${count} watches`;
    for (let round = 0; round < (bench.isQuick ? 1 : bench.rounds); round++) {
      bench.tell(`row 7: ${name}`);
      await measure(bench, samples, name, count);
    }
    const of = (measure: string) => samples.of(name, measure);
    const row = 7;
    const findings = [
      ...['controller', 'agent'].map((role) =>
        judge({
          row,
          what: `${role}, each of ${name}`,
          goal: atMost(30, 'KiB'),
          values: of(`${role} KiB each`),
        }),
      ),
      judge({ row, what: 'opened', goal: atLeast(1000, '/s'), values: of('opened/s') }),
      judge({ row, what: 'an event to all', goal: atMost(2, 's'), values: of('event to all s') }),
    ];
    return { samples, findings };
  },
};

async function measure(bench: Bench, samples: Samples, name: string, count: number): Promise<void> {
  const { arena } = bench;
  const target = await arena.target();
  const tunnel = await arena.freshFairlead({ agents: [NEAR] });
  try {
    await tunnel.startAgent(NEAR, target);
    const contestant = tunnel.contestant(name, NEAR, tunnel.plainCaller(NEAR));
    await firstUse(tunnel, NEAR, 'watch');
    const before = await idleMib(contestant);
    const held = await holdStreams(tunnel, NEAR, 'watch', count);
    try {
      const after = await idleMib(contestant);
      samples.add(name, 'opened/s', count / held.seconds);
      samples.add(name, 'controller KiB each', ((after[0] - before[0]) * KIB_PER_MIB) / count);
      samples.add(name, 'agent KiB each', ((after[1] - before[1]) * KIB_PER_MIB) / count);
      const start = performance.now();
      const response = await fetch(`http://127.0.0.1:${target.plainPort}/event`);
      if ((await response.text()) !== String(count))
        throw new Error('the target has other watches');
      await reportOf(held.program, 'events', z.object({ count: z.literal(count) }), EVENTS_MS);
      samples.add(name, 'event to all s', (performance.now() - start) / 1000);
    } finally {
      await held.leave();
    }
  } finally {
    await tunnel.stop();
  }
}
