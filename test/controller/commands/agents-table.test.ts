import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ageText, agentsTable } from '../../../controller/commands/agents-table.js';
import { readSeenAgents } from '../../../controller/commands/seen-agent.js';
import { TunnelError } from '../../../shared/errors.js';

describe('agentsTable', () => {
  const NOW = 1_700_000_000_000;
  const statistics = (connectedAgents: unknown[]): unknown => ({
    serverTime: NOW,
    connectedAgents,
  });

  it('aligns columns, names some services and counts the rest, and marks what is unknown', () => {
    const services = ['a', 'b', 'c', 'd'].map((name) => ({ type: 't', name, configured: true }));
    const full = {
      name: 'prod-eu',
      session: 's2',
      state: 'serving',
      version: '1.0.0',
      hostname: 'pod',
      remoteAddress: '192.0.2.1:1',
      endpoints: services,
      connectedAt: NOW - 200_000,
      rttMs: 1.26,
      openStreams: 0,
    };
    // What a controller of v3.5 tells.
    const old = { name: 'dev', session: 's1', endpoints: [{ type: 't', name: 'x' }] };
    assert.equal(
      agentsTable(readSeenAgents(statistics([full, old]))),
      `NAME     SESSION  STATE    VERSION  HOST  REMOTE       SERVICES    CONNECTED  RTT    STREAMS
dev      s1       -        -        -     -            t/x!        -          -      -
prod-eu  s2       serving  1.0.0    pod   192.0.2.1:1  t/a,t/b,+2  3m20s      1.3ms  0
`,
    );
  });

  it('sorts by name, then oldest first', () => {
    const agents = [
      { name: 'b', session: '1', connectedAt: 1 },
      { name: 'a', session: '3', connectedAt: 3 },
      { name: 'a', session: '2', connectedAt: 2 },
    ];
    const { agents: sorted } = readSeenAgents(statistics(agents));
    assert.deepEqual(
      sorted.map((agent) => agent.session),
      ['2', '3', '1'],
    );
  });

  it('lets no agent write escape sequences to the terminal', () => {
    const evil = {
      name: '\u001b[2Jx',
      hostname: 'a\nb\u009b',
      endpoints: [{ type: '\u0007', name: 'x' }],
    };
    const table = agentsTable(readSeenAgents(statistics([evil])));
    assert.doesNotMatch(table.replaceAll('\n', ''), /\p{Cc}/u);
    assert.equal(table.split('\n').length, 3);
  });

  it('takes no other JSON for statistics', () => {
    for (const value of [null, [], 'x', {}, { connectedAgents: [] }, { serverTime: 1 }]) {
      assert.throws(() => readSeenAgents(value), TunnelError);
    }
  });

  it('says ages as people do', () => {
    const table: [number, string][] = [
      [-5, '0s'],
      [59_999, '59s'],
      [60_000, '1m00s'],
      [3_599_000, '59m59s'],
      [3_600_000, '1h00m'],
      [86_399_000, '23h59m'],
      [90_000_000, '1d1h'],
    ];
    for (const [ms, text] of table) assert.equal(ageText(ms), text);
  });
});
