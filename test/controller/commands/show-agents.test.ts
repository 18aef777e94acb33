import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runFairlead } from '../../../controller/commands/run-fairlead.js';
import { agentName } from '../../../shared/ids.js';
import { connectedAgent } from '../control-api/control-fixture.js';
import { NO_PROGRAMS, recordedIo, startControlServer, writePem } from './command-fixture.js';

const CLEAR_SCREEN = '\u001b[H\u001b[2J';
const FAST = ['--watch', '--interval', '0.02'];

describe('fairlead agents --watch', () => {
  it('prints what changes, one line each, until interrupted', async (t) => {
    const { env, agents } = await startControlServer(t);
    const io = recordedIo({ env });
    agents.push(connectedAgent());
    const ended = runFairlead(['agents', ...FAST], io, NO_PROGRAMS);
    await io.seen('connected prod-eu session-1 state=serving services=kubernetes/prod');
    agents[0] = connectedAgent({ state: 'draining' });
    await io.seen('changed prod-eu session-1 state=draining');
    agents.length = 0;
    await io.seen(/disconnected prod-eu session-1 after \d+d/);
    io.interrupt();
    assert.equal(await ended, 0);
    assert.equal(io.out().trimEnd().split('\n').length, 3, io.out());
    assert.ok(
      io
        .out()
        .split('\n')
        .every((line) => line === '' || /^\d{4}-\d\d-\d\dT/.test(line)),
    );
  });

  it('redraws the table in place on a terminal, cut to its width', async (t) => {
    const { env, agents } = await startControlServer(t);
    agents.push(connectedAgent());
    const io = recordedIo({ env, columns: 40 });
    const ended = runFairlead(['agents', ...FAST], io, NO_PROGRAMS);
    await io.seen(`${CLEAR_SCREEN}https`);
    agents.push(connectedAgent({ name: agentName('second') }));
    await io.seen('second');
    assert.ok(io.out().split(CLEAR_SCREEN).length > 2);
    io.interrupt();
    assert.equal(await ended, 0);
    const table = io
      .out()
      .split('\n')
      .filter((line) => /^(NAME|prod-eu)/.test(line));
    assert.ok(table.length >= 4 && table.every((line) => line.length <= 40));
  });

  it('prints JSON lines, one for each change', async (t) => {
    const { env, agents } = await startControlServer(t);
    const io = recordedIo({ env });
    const ended = runFairlead(['agents', ...FAST, '-o', 'json'], io, NO_PROGRAMS);
    await io.seen('"connectedAgents":[]');
    agents.push(connectedAgent());
    await io.seen('"name":"prod-eu"');
    io.interrupt();
    assert.equal(await ended, 0);
    const lines = io.out().trimEnd().split('\n');
    assert.equal(lines.length, 2);
    for (const line of lines) JSON.parse(line);
  });

  it('outlives a controller that is away, and says so', async (t) => {
    const { env, stop } = await startControlServer(t);
    const io = recordedIo({ env });
    const ended = runFairlead(['agents', ...FAST], io, NO_PROGRAMS);
    await stop();
    await io.seen(/cannot reach the control API/);
    io.interrupt();
    assert.equal(await ended, 0);
  });

  it('ends when the controller refuses', async (t) => {
    const { env, authority, dir } = await startControlServer(t);
    const agent = await authority.issue({ purpose: 'agent', agent: agentName('a') });
    const files = [
      ['--cert', writePem(dir, 'agent.pem', agent.certPem)],
      ['--key', writePem(dir, 'agent-key.pem', agent.keyPem)],
    ].flat();
    const io = recordedIo({ env });
    assert.equal(await runFairlead(['agents', ...FAST, ...files], io, NO_PROGRAMS), 3);
  });
});
