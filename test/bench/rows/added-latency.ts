/**
 * Row 2: what the tunnel adds to the latency of a single caller who waits for each answer.
 */
import { NEAR } from '../arena.js';
import { BARE_TUNNEL, BARE_TUNNEL_OVER_TLS, DIRECT, inTurn } from '../contestant.js';
import { wrkLoad } from '../request-load.js';
import { addLoadPoint, warmUp } from '../row.js';
import type { Row } from '../row.js';
import { Samples } from '../samples.js';
import { atMost, judge } from '../verdict.js';

const PLAIN = 'Fairlead, caller without TLS';
const OVER_TLS = 'Fairlead, TLS caller';

export const addedLatency: Row = {
  number: 2,
  title: 'added latency, one caller',
  run: async (bench) => {
    const { arena, rounds, seconds, tell } = bench;
    const samples = new Samples();
    await arena.near();
    const { fairlead } = arena;
    const bareTunnel = await arena.bareTunnel();
    const contestants = [
      ...(await arena.others()),
      bareTunnel.plainCallers,
      bareTunnel.tlsCallers,
      fairlead.contestant(PLAIN, NEAR, fairlead.plainCaller(NEAR)),
      fairlead.contestant(OVER_TLS, NEAR, fairlead.tokenCaller(NEAR)),
    ];
    await warmUp(bench, contestants);
    await inTurn(contestants, rounds, async (contestant) => {
      tell(`row 2: ${contestant.name}`);
      const load = () => wrkLoad(contestant.endpoint, { callers: 1, seconds });
      await arena.optional(() => addLoadPoint(samples, contestant, load));
    });
    const findings = (
      [
        [PLAIN, BARE_TUNNEL],
        [OVER_TLS, BARE_TUNNEL_OVER_TLS],
      ] as const
    ).flatMap(([name, bare]) => {
      const limit = (measure: string) => ({
        what: `the ${bare} adds`,
        values: samples.difference(measure, bare, DIRECT),
      });
      const who = name.replace('Fairlead, ', '');
      const added = (measure: string) => samples.difference(measure, name, DIRECT);
      return [
        judge({
          row: 2,
          what: `p50 over direct, ${who}`,
          goal: atMost(0.25, 'ms'),
          values: added('p50 ms'),
          limit: limit('p50 ms'),
        }),
        judge({
          row: 2,
          what: `p99 over direct, ${who}`,
          goal: atMost(1, 'ms'),
          values: added('p99 ms'),
          limit: limit('p99 ms'),
        }),
      ];
    });
    return { samples, findings };
  },
};
