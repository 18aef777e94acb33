/**
 * Row 5: callers as kubectl is one: a process that makes a TLS 1.3 connection with its client certificate,
 * asks once and leaves. Beside a node:https server that does the same and has nothing behind it; what the bare gRPC
 * tunnel reaches of that is the limit.
 */
import { NEAR } from '../arena.js';
import { BARE_SERVER, BARE_TUNNEL, inTurn } from '../contestant.js';
import { newConnectionLoad } from '../request-load.js';
import { addLoadPoint } from '../row.js';
import type { Row } from '../row.js';
import { Samples } from '../samples.js';
import { atLeast, judge } from '../verdict.js';

const CALLERS = 16;
const FAIRLEAD = 'Fairlead, client certificates';
const LIMIT = `${BARE_TUNNEL}, client certificates`;
/** What both get that does not count: handshakes take other ways through the code than kept connections. */
const WARM_UP_SECONDS = 5;

export const newConnections: Row = {
  number: 5,
  title: 'kubectl-like: a new TLS connection with client certificate per request',
  run: async ({ arena, rounds, seconds, isQuick, tell }) => {
    const samples = new Samples();
    await arena.near();
    const caller = await arena.fairlead.certificateCaller(NEAR);
    const { tlsCallers: bare } = await arena.bareTunnel();
    const contestants = [
      await arena.bareHttps(caller),
      { ...bare, name: LIMIT, endpoint: { ...caller, port: bare.endpoint.port } },
      arena.fairlead.contestant(FAIRLEAD, NEAR, caller),
    ];
    for (const { name, endpoint } of contestants) {
      tell(`warm-up: ${name}`);
      const warmUpSeconds = isQuick ? 1 : WARM_UP_SECONDS;
      await newConnectionLoad(endpoint, { callers: CALLERS, seconds: warmUpSeconds });
    }
    await inTurn(contestants, rounds, async (contestant) => {
      tell(`row 5: ${contestant.name}`);
      await addLoadPoint(samples, contestant, () =>
        newConnectionLoad(contestant.endpoint, { callers: CALLERS, seconds }),
      );
    });
    const findings = [
      judge({
        row: 5,
        what: 'requests/s against a bare server',
        goal: atLeast(0.7, 'x'),
        values: samples.ratio('requests/s', FAIRLEAD, BARE_SERVER),
        limit: { what: BARE_TUNNEL, values: samples.ratio('requests/s', LIMIT, BARE_SERVER) },
      }),
    ];
    return { samples, findings };
  },
};
